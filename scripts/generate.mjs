// Writes the documents that are made from code: docs/configuration.md from the configuration schemas of all programs, k8s/crds from the
// table of Argo's language.
// With --check it writes nothing and fails where a document is not what the code says.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { ensureBuilt, root } from './install.mjs';

const CONFIGURATION = join(root, 'docs', 'configuration.md');

/** The configuration schemas of the services, by program, in alphabetical order. */
const readSchemas = async () => {
  const schemas = new Map();
  const services = readdirSync(join(root, 'services'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of services.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(root, 'services', name, 'src');
    const file = existsSync(folder) ? readdirSync(folder).find((entry) => entry.endsWith('.config.ts')) : undefined;
    if (file === undefined) continue;
    const compiled = join(root, 'dist', 'services', name, 'src', file.replace(/\.ts$/, '.js'));
    const { configSchema } = await import(pathToFileURL(compiled).href);
    if (configSchema === undefined) throw new Error(`services/${name}/src/${file} exports no configSchema`);
    schemas.set(name, configSchema);
  }
  return schemas;
};

const cell = (text) => text.replaceAll('|', '\\|');

const table = (rows) => [
  '| Variable | Value | Default | Meaning |',
  '| --- | --- | --- | --- |',
  ...rows.map(({ variable, kind, byDefault, required, secret, about }) => {
    const fallback = required ? '**required**' : byDefault === '' ? '' : `\`${byDefault}\``;
    return `| \`${variable}\` | ${cell(kind)}${secret ? ', secret' : ''} | ${cell(fallback)} | ${cell(about)} |`;
  }),
];

const configurationDocument = async () => {
  const { describeConfig } = await import(pathToFileURL(join(root, 'dist', 'libs', 'config', 'src', 'index.js')).href);
  const rowsOf = new Map([...(await readSchemas())].map(([program, schema]) => [program, describeConfig(schema)]));
  const key = (row) => JSON.stringify(row);
  const counts = new Map();
  for (const rows of rowsOf.values()) for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  const isShared = (row) => counts.get(key(row)) > 1;
  const shared = new Map();
  for (const [program, rows] of rowsOf) {
    for (const row of rows.filter(isShared))
      shared.set(key(row), { row, programs: [...(shared.get(key(row))?.programs ?? []), program] });
  }
  // Programs on the tables have most variables in common; a program beside them, such as the executor, is told by itself.
  const fleet = [...rowsOf]
    .filter(([, rows]) => rows.some(({ variable }) => variable === 'DATABASE_URL'))
    .map(([program]) => program);
  const isEverywhere = ({ programs }) => fleet.every((program) => programs.includes(program));
  const everywhere = [...shared.values()].filter(isEverywhere).map(({ row }) => row);
  const inEveryProgram = new Set(everywhere.map(key));
  return [
    '# Configuration',
    '',
    "Made by `npm run generate` from the programs' schemas; do not edit.",
    '',
    'Every program reads environment variables, names all that are wrong at once, and refuses to start. An empty variable counts as',
    'absent. Durations are written `500ms`, `10s`, `1h30m`; sizes `512`, `64Mi`, `1G`. A secret may also be given as a file: the',
    'variable with `_FILE` names it.',
    '',
    ...(everywhere.length === 0 ? [] : ['## Every program on the tables', '', ...table(everywhere), '']),
    ...[...rowsOf].flatMap(([program, rows]) => {
      const own = rows.filter((row) => !fleet.includes(program) || !inEveryProgram.has(key(row)));
      return own.length === 0 ? [] : [`## ${program}`, '', ...table(own), ''];
    }),
  ].join('\n');
};

/** One file for each kind, and the list of them. */
const customResourceDocuments = async () => {
  const compiled = join(root, 'dist', 'libs', 'workflow-spec', 'src', 'custom-resources', 'custom-resources.js');
  const { customResourceDefinitions } = await import(pathToFileURL(compiled).href);
  const definitions = customResourceDefinitions();
  const fileOf = ({ spec }) => `${spec.names.singular}.yaml`;
  const head = '# Made by `npm run generate`; do not edit.\n';
  const list = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: definitions.map(fileOf) };
  const texts = [...definitions.map((definition) => [fileOf(definition), definition]), ['kustomization.yaml', list]];
  return texts.map(([file, object]) => [
    join(root, 'k8s', 'crds', file),
    head + stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }),
  ]);
};

await ensureBuilt();
const documents = new Map([[CONFIGURATION, await configurationDocument()], ...(await customResourceDocuments())]);
let stale = false;
for (const [file, text] of documents) {
  const wanted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (present === wanted) continue;
  if (process.argv.includes('--check')) {
    stale = true;
    console.error(`${file.slice(root.length + 1)} is not what the code says: run npm run generate`);
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
    console.log(`${file.slice(root.length + 1)} written`);
  }
}
if (stale) process.exit(1);
