import { describe, expect, it } from 'vitest';
import { quietLogger } from '#libs/testing';
import { PermissionDeniedError, TransientError } from '#libs/workflow-spec';
import { NamespaceLabels } from './namespace-labels.js';
import { parallelismFrom } from './parallelism.js';

const labelsFrom = (answers: (Record<string, string> | Error)[]) => {
  const warnings: unknown[] = [];
  const labels = new NamespaceLabels({
    objects: {
      namespaceLabels: () => {
        const answer = answers.shift() ?? new Error('asked too often');
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    logger: { ...quietLogger, warn: (_message, fields) => void warnings.push(fields?.['problem']) },
    intervalMs: 60_000,
  });
  return { labels, warnings };
};

describe('limits on the labels of namespaces', () => {
  it('are not known until they were read, and stay while the cluster is away', async () => {
    const { labels } = labelsFrom([new TransientError('away'), { lab: '3' }, new TransientError('away')]);
    await expect(labels.known()).rejects.toThrow(TransientError);
    await labels.known();
    expect(labels.current()).toEqual({ lab: 3 });
    await labels.timer.run();
    expect(labels.current()).toEqual({ lab: 3 });
  });

  it('go before those of the variables, and one that is no number says so once', async () => {
    const { labels, warnings } = labelsFrom([
      { lab: '3', wrong: 'x' },
      { lab: '0', wrong: 'x' },
    ]);
    const source = parallelismFrom({ byNamespace: { lab: 1, other: 2 } }, () => ({ namespaceParallelism: 5 }), labels);
    await labels.known();
    expect(source.current()).toEqual({ namespace: 5, byNamespace: { lab: 3, other: 2 } });
    await labels.timer.run();
    expect(source.current().byNamespace).toEqual({ lab: 0, other: 2 });
    expect(warnings.filter(Boolean)).toEqual(['not a number: wrong: "x"']);
  });

  it('are none where they may not be read, which is said once', async () => {
    const refused = new PermissionDeniedError('you may not');
    const { labels, warnings } = labelsFrom([refused, refused]);
    await labels.known();
    await labels.timer.run();
    expect(labels.current()).toEqual({});
    expect(warnings).toEqual(['you may not']);
  });
});
