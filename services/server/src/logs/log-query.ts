import { parseTime } from '#libs/workflow-spec';
import { compileGoRegexp, ExpressionError } from '#libs/expressions';
import { ApiError } from '../errors/errors.js';
import { parseLabelSelector } from '../selection/label-selector.js';
import { queryFlag, queryInteger, queryText, type Query } from '../selection/list-options.js';
import type { LabelRequirement } from '#libs/store';

/** All containers that have logs, as a name of a container. */
export const ALL_CONTAINERS = '*';

/** Which lines of which pods are asked for. */
export interface LogQuery {
  podName: string | undefined;
  /** Absent: `main`, or all members of a container set without one. */
  containers: string[] | undefined;
  follow: boolean;
  /** Of each container. */
  tailLines: number | undefined;
  sinceMs: number | undefined;
  /** Of each container: no more than this is given of its text. */
  limitBytes: number | undefined;
  /** The time stands before each line. */
  timestamps: boolean;
  /** The pod that was there before the present one of the same node. */
  previous: boolean;
  /** Over the pods' labels. */
  labels: LabelRequirement[];
  matches: (text: string) => boolean;
}

function sinceOf(query: Query, nowMs: number): number | undefined {
  const time = queryText(query, 'logOptions.sinceTime');
  if (time !== undefined) return parseTime(time);
  const seconds = queryInteger(query, 'logOptions.sinceSeconds');
  return seconds === undefined ? undefined : nowMs - seconds * 1000;
}

/** Matches as Go's regexp does, in linear time: a hostile pattern costs no more than another. */
function grepOf(pattern: string): LogQuery['matches'] {
  try {
    const expression = compileGoRegexp(pattern);
    return (text) => expression.test(text);
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    throw new ApiError(3, `grep ${JSON.stringify(pattern.slice(0, 100))} is not a regular expression`, { cause });
  }
}

function containersOf(names: string | undefined): string[] | undefined {
  const given = (names ?? '').split(',').flatMap((name) => name.trim() || []);
  return given.length === 0 ? undefined : given;
}

/** `grep` is a Go regular expression, matched in linear time; `logOptions.*` are Kubernetes' PodLogOptions. Several containers stand beside a comma. */
export function parseLogQuery(podName: string | undefined, query: Query, nowMs: number): LogQuery {
  const grep = queryText(query, 'grep');
  return {
    podName: podName ?? queryText(query, 'podName'),
    containers: containersOf(queryText(query, 'logOptions.container')),
    follow: queryFlag(query, 'logOptions.follow'),
    tailLines: queryInteger(query, 'logOptions.tailLines'),
    sinceMs: sinceOf(query, nowMs),
    limitBytes: queryInteger(query, 'logOptions.limitBytes'),
    timestamps: queryFlag(query, 'logOptions.timestamps'),
    previous: queryFlag(query, 'logOptions.previous'),
    labels: parseLabelSelector(queryText(query, 'selector') ?? ''),
    matches: grep === undefined ? () => true : grepOf(grep),
  };
}
