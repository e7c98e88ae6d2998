import { spawn, type ChildProcess } from 'node:child_process';

/** Resolves `./x.js` to `./x.ts` and compiles with swc, so that a child runs the sources as they are, without a build. */
const HOOKS = `
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const { transform } = createRequire(process.cwd() + '/')('@swc/core');
const jsc = { target: 'es2022', parser: { syntax: 'typescript', decorators: true }, transform: { legacyDecorator: true, decoratorMetadata: true } };
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const url = new URL(specifier.replace(/\\.js$/, '.ts'), context.parentURL);
    if (existsSync(url)) return { url: url.href, shortCircuit: true };
  }
  return next(specifier, context);
}
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { filename, module: { type: 'es6' }, jsc, swcrc: false });
  return { format: 'module', source: code, shortCircuit: true };
}
`;
const asModule = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
const REGISTER = asModule(`import { register } from 'node:module'; register(${JSON.stringify(asModule(HOOKS))});`);

/** How a child is started: its arguments and environment; `stdin` is closed. */
export interface TypeScriptChildOptions {
  args?: string[];
  env?: Record<string, string>;
}

/** Starts a TypeScript source file as a Node process of its own, from the repository's root. Output is piped. */
export function spawnTypeScript(entryFile: string, options: TypeScriptChildOptions = {}): ChildProcess {
  const flags = ['--conditions=source', '--no-warnings', '--import', REGISTER];
  return spawn(process.execPath, [...flags, entryFile, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...options.env },
  });
}

/** Waits for the child's end; gives its exit code (null after a signal) and all that it printed. */
export async function outcomeOf(child: ChildProcess): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, stdout, stderr };
}
