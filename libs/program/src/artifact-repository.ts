import { ConfigError } from '#libs/config';
import type { ArtifactRepository } from '#libs/engine';
import { z } from 'zod';

const locationSchema = z.record(z.string(), z.json());
const repositorySchema = z.looseObject({ keyFormat: z.string().min(1).optional(), archiveLogs: z.boolean().optional() });
const DRIVERS = ['s3', 'filesystem'] as const;
const VARIABLE = 'ARTIFACT_REPOSITORY';

/**
 * Reads the default artifact repository from its JSON text: one driver block (`s3` or `filesystem`), and Argo's `archiveLogs`
 * and `keyFormat` (beside the block, or inside it as Argo has it for s3). Undefined text: no repository. Throws ConfigError.
 */
export const artifactRepositoryFromText = (text: string | undefined): ArtifactRepository | null => {
  if (text === undefined) return null;
  const parsed = repositorySchema.safeParse(parseJson(text));
  if (!parsed.success) throw new ConfigError([{ variable: VARIABLE, problem: z.prettifyError(parsed.error) }]);
  const { keyFormat, archiveLogs, ...blocks } = parsed.data;
  const names = Object.keys(blocks);
  const driver = DRIVERS.find((name) => name === names[0]);
  if (names.length !== 1 || driver === undefined) {
    throw new ConfigError([
      { variable: VARIABLE, problem: `must hold exactly one of ${DRIVERS.join(', ')}, not ${names.join(', ') || 'none'}` },
    ]);
  }
  const block = locationSchema.safeParse(blocks[driver]);
  if (!block.success) throw new ConfigError([{ variable: VARIABLE, problem: `${driver}: ${z.prettifyError(block.error)}` }]);
  const { keyFormat: innerFormat, ...location } = block.data;
  const format = keyFormat ?? (typeof innerFormat === 'string' ? innerFormat : undefined);
  return {
    location: { [driver]: location },
    ...(format === undefined ? {} : { keyFormat: format }),
    ...(archiveLogs === undefined ? {} : { archiveLogs }),
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError([{ variable: VARIABLE, problem: `is not JSON: ${(error as Error).message}` }]);
  }
};
