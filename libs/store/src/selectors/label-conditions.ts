import { type SQL } from 'drizzle-orm';

import { sql } from '../connection/drizzle.js';
import { type LabelRequirement } from './label-selector.js';

/** The requirement as a condition on an SQL expression that yields the label's text, or NULL where it is absent. */
export function labelCondition(requirement: LabelRequirement, value: SQL): SQL {
  switch (requirement.operator) {
    case 'in':
      return sql`${value} = ANY(${sql.param(requirement.values)}::text[])`;
    case 'notin':
      return sql`(${value} IS NULL OR NOT ${value} = ANY(${sql.param(requirement.values)}::text[]))`;
    case 'exists':
      return sql`${value} IS NOT NULL`;
    case 'absent':
      return sql`${value} IS NULL`;
    case 'gt':
      return sql`CASE WHEN ${value} ~ '^-?[0-9]+$' THEN ${value}::numeric > ${requirement.value} ELSE false END`;
    case 'lt':
      return sql`CASE WHEN ${value} ~ '^-?[0-9]+$' THEN ${value}::numeric < ${requirement.value} ELSE false END`;
  }
}
