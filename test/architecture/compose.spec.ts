import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { artifactRepositoryFromText } from '#libs/program';
import {
  LIBRARY_VARIABLES,
  programConfigs,
  type ProgramConfigSchema,
  root,
  serviceOfEntry,
  withSecretsInPlace,
} from './program-configs.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The parts of Compose's format that the file uses; anything else is a slip. */
const serviceSchema = z.strictObject({
  image: z.string().regex(/^[a-z0-9./-]+:[\w.-]+$/, 'an image has a tag'),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string('a value is text: quote it')).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string().regex(/^[a-z0-9-]+:\/[a-z/]+$/, 'a named volume at an absolute path')).default([]),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/, 'ports are published on this machine only')).default([]),
  networks: z.array(z.string()),
  restart: z.literal('unless-stopped'),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()).min(2),
      interval: z.string(),
      timeout: z.string(),
      retries: z.int(),
      start_period: z.string().optional(),
    })
    .optional(),
  init: z.literal(true).optional(),
  read_only: z.literal(true).optional(),
  privileged: z.literal(true).optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  group_add: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  shm_size: z.string().optional(),
});
const empty = z.strictObject({});
const composeSchema = z
  .object({
    name: z.literal('argosy'),
    services: z.record(z.string(), serviceSchema),
    networks: z.record(z.string(), empty),
    volumes: z.record(z.string(), empty),
    secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith('.argosy/compose/') })),
  })
  .catchall(z.unknown());

type ComposeService = z.output<typeof serviceSchema>;

describe('docker-compose.yml', () => {
  const compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
  const services = Object.entries(compose.services);
  const programs = services.flatMap(([name, service]): { name: string; program: string; service: ComposeService }[] => {
    const program = serviceOfEntry(service.command?.[0] ?? '');
    return program === undefined ? [] : [{ name, program, service }];
  });
  let configs: Map<string, ProgramConfigSchema>;
  beforeAll(async () => {
    configs = await programConfigs();
  });

  it('runs every service, and two copies of those that decide and that run pods', () => {
    const counts = new Map<string, number>();
    for (const { program } of programs) counts.set(program, (counts.get(program) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({
      server: 1,
      scheduler: 2,
      'pod-manager': 2,
      offloader: 1,
      archiver: 1,
      'artifact-gc': 1,
    });
  });

  it('starts only programs that there are', () => {
    for (const { program } of programs) expect(existsSync(join(root, 'services', program, 'src', 'main.ts')), program).toBe(true);
    const ours = services.filter(([, { build }]) => build !== undefined);
    expect(programs.map(({ name }) => name)).toEqual(ours.map(([name]) => name));
    const targets = [...read('Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target);
    for (const [name, { image, build }] of ours) {
      expect(targets, name).toContain(build?.target);
      // What runs pods itself needs more than Node: its transfers run beside them.
      const isHost = serviceOfEntry(compose.services[name]?.command?.[0] ?? '') === 'pod-manager';
      expect([image, build?.target], name).toEqual(isHost ? ['argosy-host:local', 'host'] : ['argosy:local', 'services']);
    }
  });

  it('gives each program only variables that it reads, and such that it accepts', () => {
    for (const { name, program, service } of programs) {
      const known = configs.get(program)?.variables ?? new Set();
      const unknown = Object.keys(service.environment).filter(
        (variable) => !known.has(variable) && !LIBRARY_VARIABLES.has(variable),
      );
      expect(unknown, name).toEqual([]);
      expect(() => configs.get(program)?.load(withSecretsInPlace(service.environment)), name).not.toThrow();
      expect(() => artifactRepositoryFromText(service.environment.ARTIFACT_REPOSITORY), name).not.toThrow();
    }
  });

  it('mounts every secret that is named, and names every secret that is mounted', () => {
    for (const [name, { environment, secrets, command = [] }] of services) {
      const text = [...Object.values(environment), ...command].join(' ');
      const named = new Set([...text.matchAll(/\/run\/secrets\/([a-z0-9-]+)/g)].map(([, secret]) => secret));
      expect([...named].sort(), name).toEqual([...secrets].sort());
      expect(
        secrets.filter((secret) => compose.secrets[secret] === undefined),
        name,
      ).toEqual([]);
    }
  });

  it('has all its secrets made by the script, and none written down', () => {
    const made = [...read('scripts/compose-secrets.mjs').matchAll(/secret\('([a-z0-9-]+)',/g)].map(([, name]) => name);
    expect(made.sort()).toEqual(Object.keys(compose.secrets).sort());
    for (const [name, { file }] of Object.entries(compose.secrets)) expect(file).toBe(`.argosy/compose/${name}`);
    for (const [name, { environment }] of services)
      for (const variable of ['DATABASE_URL', 'AUTH_TOKEN', 'INTERNAL_TOKEN', 'POSTGRES_PASSWORD'])
        expect(environment[variable], name).toBeUndefined();
  });

  it('uses each volume and network that it declares, and declares each that it uses', () => {
    const used = new Set(services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0])));
    expect([...used].sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(new Set(services.flatMap(([, { networks }]) => networks))).toEqual(new Set(Object.keys(compose.networks)));
  });

  it('asks /readyz on the port that the program listens on', () => {
    for (const { name, program, service } of programs) {
      const { metricsPort } = configs.get(program)!.load(withSecretsInPlace(service.environment));
      expect(service.healthcheck?.test.join(' '), name).toContain(`http://127.0.0.1:${String(metricsPort)}/readyz`);
    }
  });

  it('publishes the port of the API, and reaches logs where they are served', () => {
    for (const { name, program, service } of programs) {
      const { port, logPort, logHost } = configs.get(program)!.load(withSecretsInPlace(service.environment));
      if (program === 'server') expect(service.ports).toEqual([`127.0.0.1:${String(port)}:${String(port)}`]);
      if (program !== 'pod-manager') continue;
      expect(service.environment.LOG_ADVERTISED_URL).toBe(`http://${name}:${String(logPort)}`);
      expect(logHost).toBe('0.0.0.0');
      expect(service.environment.INTERNAL_TOKEN_FILE).toBe(compose.services.server?.environment.INTERNAL_TOKEN_FILE);
    }
  });

  it('gives each pod-manager a name, a folder and a daemon of its own', () => {
    const managers = programs.filter(({ program }) => program === 'pod-manager');
    expect(new Set(managers.map(({ service }) => service.environment.POD_HOST)).size).toBe(managers.length);
    expect(new Set(managers.flatMap(({ service }) => service.volumes)).size).toBe(2 * managers.length);
    for (const { service } of managers) {
      const socket = service.volumes.find((volume) => volume.includes('-socket:'));
      const daemons = services.filter(([, other]) => other.privileged === true && other.volumes.includes(socket ?? ''));
      expect(daemons).toHaveLength(1);
      const [, daemon] = daemons[0]!;
      expect(daemon.command).toContain(`--group=${service.group_add?.[0]}`);
      // Where libs/runtimes looks for a daemon.
      expect(daemon.command).toContain('--host=unix:///run/podman/podman.sock');
      expect(read('libs/runtimes/src/docker/docker-connection.ts')).toContain('/run/podman/podman.sock');
    }
  });

  it('gives no program of ours more rights than it needs', () => {
    for (const { name, service } of programs) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(service.privileged, name).toBeUndefined();
    }
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');

  it('copies only what is there, and what .dockerignore lets in', () => {
    const allowed = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    );
    const sources = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(allowed, source).toContain(source);
    }
  });

  it('runs a program by default, as nobody special, on the Node version of the repository', () => {
    const valuesOf = (word: string): string[] =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
    const commands = valuesOf('CMD').map((command) => (JSON.parse(command) as string[]).at(-1) ?? '');
    expect(commands.map(serviceOfEntry)).toEqual(['pod-manager', 'executor', 'server']);
    expect(valuesOf('USER')).toEqual(['node', '1000:1000']);
    const node = `node:${read('.nvmrc').trim()}-slim`;
    expect(valuesOf('FROM')).toEqual([`${node} AS build`, `${node} AS host`, `${node} AS executor`, 'scratch AS services']);
  });

  it('names the ports that programs listen on', async () => {
    const configs = await programConfigs();
    const needed = withSecretsInPlace({ DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x' });
    const { port, metricsPort } = configs.get('server')!.load(needed);
    const { logPort } = configs.get('pod-manager')!.load(needed);
    expect(lines).toContain(`EXPOSE ${String(port)} ${String(metricsPort)}`);
    expect(lines).toContain(`EXPOSE ${String(logPort)} ${String(metricsPort)}`);
  });

  it('gives the services a root in which Node runs, and nothing else', ({ skip }) => {
    if (process.platform !== 'linux' || spawnSync('ldd', ['--version']).error) skip('needs Linux with ldd');
    const outer = mkdtempSync(join(tmpdir(), 'argosy-image-'));
    const folder = join(outer, 'root');
    chmodSync(outer, 0o755);
    try {
      execFileSync(process.execPath, [join(root, 'scripts/image-root.mjs'), folder]);
      const programs = readdirSync(join(folder, 'usr/local/bin'));
      expect(programs).toEqual(['node']);
      expect(existsSync(join(folder, 'bin'))).toBe(false);
      if (process.getuid?.() !== 0) return;
      const argued = [
        '--userspec=1000:1000',
        folder,
        '/usr/local/bin/node',
        '-p',
        '`${process.getuid()} ${os.userInfo().username}`',
      ];
      const { stdout, stderr } = spawnSync('chroot', argued, { encoding: 'utf8', env: { PATH: process.env.PATH } });
      expect(`${stdout}${stderr}`.trim()).toBe('1000 node');
    } finally {
      rmSync(outer, { recursive: true, force: true });
    }
  });
});
