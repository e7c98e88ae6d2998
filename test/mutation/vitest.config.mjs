import { defineConfig } from 'vitest/config';
import { MUTANTS } from './mutants.mjs';

/** Puts the mutant's text in the place of the rule's while the file is loaded; the file itself is left alone. */
const mutating = ({ file, find, replace }) => ({
  name: 'mutant',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith(`/${file}`)) return undefined;
    if (code.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
    return { code: code.replace(find, () => replace), map: null };
  },
});

const chosen = (mode) => {
  const mutant = MUTANTS[Number(/^mutant-(\d+)$/.exec(mode)?.[1])];
  return mutant === undefined ? [] : [mutating(mutant)];
};

/** `--mode mutant-N`: the engine's own tests, without recordings, against mutant N; any other mode: against the engine as it is. */
export default defineConfig(({ mode }) => ({
  plugins: chosen(mode),
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['libs/engine/src/**/*.spec.ts'],
    exclude: ['**/conformance.spec.ts'],
    testTimeout: 60_000,
    bail: 1,
  },
}));
