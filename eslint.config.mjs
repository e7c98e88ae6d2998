import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const PURE_LIBS = ['workflow-spec', 'expressions', 'engine', 'pod-spec', 'jobs'].map((lib) => `libs/${lib}/src/**/*.ts`);
const TESTS = ['**/*.spec.ts', '**/*.itest.ts', '**/*.e2e.ts', 'test/**/*.ts', 'libs/testing/**/*.ts'];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/violations/**',
      'scripts/**',
      '*.mjs',
      '*.cjs',
      'services/cli/bin/**',
      'vitest.config.ts',
      'test/**/*.mjs',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/require-await': 'off',
      'no-warning-comments': ['error', { terms: ['fixme', 'xxx'], location: 'start' }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      complexity: ['error', 15],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Read configuration through libs/config: parse it in main.ts and pass the typed object.',
        },
      ],
      'no-console': ['error'],
    },
  },
  {
    files: PURE_LIBS,
    ignores: TESTS,
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: 'Pure code: take `now` as an input.',
        },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'Pure code: take randomness as an input.',
        },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Pure code: take `now` as an input.' },
      ],
    },
  },
  { files: ['libs/config/**/*.ts', 'libs/testing/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['services/cli/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: TESTS,
    rules: {
      'max-lines': ['error', { max: 800, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off',
      'no-restricted-properties': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  // The drizzle schema is a flat declaration of columns; Nest modules and the generated types hold no logic.
  {
    files: ['libs/store/src/schema/**/*.ts', 'libs/workflow-spec/src/model/**/*.ts'],
    rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' },
  },
  prettier,
);
