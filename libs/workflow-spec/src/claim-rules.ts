import { parseQuantity } from './quantities.js';

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const EXCLUSIVE_MODE = 'ReadWriteOncePod';

const modeProblems = (written: unknown): string[] => {
  const modes = Array.isArray(written) ? written : [];
  if (modes.length === 0) return ['spec.accessModes: Required value: at least 1 access mode is required'];
  const supported = ACCESS_MODES.map((mode) => JSON.stringify(mode)).join(', ');
  return [
    ...modes
      .filter((mode) => !ACCESS_MODES.includes(String(mode)))
      .map((mode) => `spec.accessModes: Unsupported value: ${JSON.stringify(mode)}: supported values: ${supported}`),
    ...(modes.length > 1 && modes.includes(EXCLUSIVE_MODE)
      ? [`spec.accessModes: Forbidden: may not use ${EXCLUSIVE_MODE} with other access modes`]
      : []),
  ];
};

const sizeProblems = (written: unknown): string[] => {
  const place = 'spec.resources[storage]';
  if (typeof written !== 'string' && typeof written !== 'number') return [`${place}: Required value`];
  const isPositive = parseQuantity(written) > 0;
  return isPositive ? [] : [`${place}: Invalid value: ${JSON.stringify(String(written))}: must be greater than zero`];
};

/**
 * Why Kubernetes would not store a PersistentVolumeClaim of this spec, in its words (`PersistentVolumeClaim "x" is invalid: …`); undefined
 * where it would. Throws what `parseQuantity` throws for a size that is none.
 */
export const claimProblem = (name: string, spec: Readonly<Record<string, unknown>>): string | undefined => {
  const requests = (spec['resources'] as { requests?: { storage?: unknown } } | undefined)?.requests;
  const problems = [...modeProblems(spec['accessModes']), ...sizeProblems(requests?.storage)];
  if (problems.length === 0) return undefined;
  const what = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
  return `PersistentVolumeClaim ${JSON.stringify(name)} is invalid: ${what}`;
};
