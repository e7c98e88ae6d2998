import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from './program-configs.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const lineCount = (path: string): number => read(path).trimEnd().split('\n').length;
/** Files that are part of the repository, or are about to be. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const documents = files.filter((path) => path.endsWith('.md'));
const packageFolders = ['libs', 'services'].flatMap((kind) => readdirSync(join(root, kind)).map((name) => `${kind}/${name}`));

/** Every `code span` of a document; blocks of code count line by line. */
const codeOf = (path: string): string[] => {
  const text = read(path);
  const blocks = [...text.matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].flatMap(([, block]) => (block ?? '').split('\n'));
  const spans = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? '');
  return [...blocks, ...spans];
};

/** Words of code that name a file or folder of the repository, from its root. */
const pathsOf = (path: string): string[] => {
  const folder = /^(libs|services)\/[^/]+(?=\/README\.md$)/.exec(path)?.[0];
  const words = codeOf(path).flatMap((code) => code.split(/[\s,;:()'"=]+/));
  return words.flatMap((word) => {
    if (/[*<>{}$…|[\]]/.test(word)) return [];
    const source = /^dist\/(services\/.+)\.js$/.exec(word)?.[1];
    if (source !== undefined) return [`${source}.ts`];
    if (/^(libs|services|docs|test|scripts|k8s|examples|\.ci)\/\S/.test(word)) return [word];
    if (folder !== undefined && /^src\/\S/.test(word)) return [`${folder}/${word}`];
    return [];
  });
};

describe('documents', () => {
  it('keep the README of the repository within 200 lines', () => {
    expect(lineCount('README.md')).toBeLessThanOrEqual(200);
  });

  it('give each lib and service a README of at most 60 lines', () => {
    const missing = packageFolders.filter((folder) => !existsSync(join(root, folder, 'README.md')));
    expect(missing).toEqual([]);
    expect(packageFolders.map((folder) => `${folder}/README.md`).filter((path) => lineCount(path) > 60)).toEqual([]);
  });

  it('link only to what is there', () => {
    const broken = documents.flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('name only files and folders that are there', () => {
    const named = documents.flatMap((path) => pathsOf(path).map((target) => ({ path, target: normalize(target) })));
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ target }) => !existsSync(join(root, target))).map(({ path, target }) => `${path}: ${target}`)).toEqual(
      [],
    );
  });

  it('name only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = documents.flatMap((path) =>
      codeOf(path).flatMap((code) =>
        [...code.matchAll(/\bnpm (?:run (?:--silent )?([a-z][\w:-]*)|(test|start)\b)/g)].map(
          ([, run, short]) => run ?? short ?? '',
        ),
      ),
    );
    expect(named.length).toBeGreaterThan(10);
    expect([...new Set(named)].filter((name) => scripts[name] === undefined)).toEqual([]);
    const started = Object.values(scripts).flatMap((script) =>
      [...script.matchAll(/node (scripts\/\S+)/g)].map(([, file]) => file ?? ''),
    );
    expect(started.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('name only verbs that the command line has', async () => {
    const { createProgram } = (await import(pathToFileURL(join(root, 'services/cli/src/program.ts')).href)) as {
      createProgram: () => { commands: { name(): string }[] };
    };
    const verbs = new Set(createProgram().commands.map((command) => command.name()));
    const named = documents.flatMap((path) =>
      codeOf(path).flatMap((code) => [...code.matchAll(/(?:^|npx )argosy ([a-z][a-z-]*)/g)].map(([, verb]) => verb ?? '')),
    );
    expect(named.length).toBeGreaterThan(5);
    expect([...new Set(named)].filter((verb) => !verbs.has(verb))).toEqual([]);
  });

  it('name only variables that a program reads, where they speak of our own', () => {
    const known = new Set(read('docs/configuration.md').match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g));
    const named = ['README.md', 'docs/operations.md', 'k8s/README.md'].flatMap((path) =>
      codeOf(path).flatMap((code) =>
        [...code.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)].map(([name]) => name.replace(/_FILE$/, '')),
      ),
    );
    // A name in the sources, and a variable of Node itself.
    const others = new Set(['ENGINE_LEVEL', 'NODE_EXTRA_CA_CERTS']);
    expect([...new Set(named)].filter((name) => !known.has(name) && !others.has(name))).toEqual([]);
  });
});

describe('texts of the repository', () => {
  /** What ties a text to one machine, one network or one way of working; the name of Argo's executor image is recorded. */
  const FOREIGN = [
    /(?<![\w.~-])\/(?:work|root|home\/[a-z]+|Users\/[a-z]+)\/[a-z]/,
    /\b(?:ghcr\.io|quay\.io(?!\/argoproj\/argoexec|=http:\/\/127)|gcr\.io|registry\.npmjs\.org|proxy\.golang\.org)\b/,
    /\bissue \d+\b/i,
    /\bsub-?agents?\b/i,
    /\b(?:this|last|next|previous|working) session\b/i,
  ];

  it('name no machine, no registry and no way of working', () => {
    const found = files
      .filter((path) => !path.endsWith('documents.spec.ts') && path !== 'package-lock.json')
      .flatMap((path) => {
        const text = read(path);
        return FOREIGN.flatMap((pattern) => {
          const match = pattern.exec(text);
          return match === null ? [] : [`${path}: ${match[0]}`];
        });
      });
    expect(found).toEqual([]);
  });

  it('leave the place of packages to the one who installs them', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });
});
