import { basename, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import {
  ArtifactKeyError,
  ArtifactNotFoundError,
  keyOf,
  withKey,
  type ArtifactDriver,
  type ArtifactDrivers,
} from '#libs/artifacts';
import type { Artifact, ArtifactLocation, Workflow } from '#libs/workflow-spec';
import type { Response } from 'express';
import { ApiError } from '../errors/errors.js';
import { ShippedLog } from '../logs/shipped-log.js';
import { ARTIFACT_DRIVERS } from '../ports.js';
import { artifactLocation } from './artifact-location.js';

/** One artifact of one node; `path` is below it, where it is a directory. */
export interface ArtifactRequest {
  workflow: Workflow;
  nodeId: string;
  direction: 'inputs' | 'outputs';
  artifactName: string;
  path?: string;
}

/** By the end of the name; what is not here is bytes. The sandbox below keeps what is shown from acting in our name. */
const TYPES: Readonly<Record<string, string>> = {
  '.txt': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.xml': 'text/xml; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.tgz': 'application/gzip',
  '.gz': 'application/gzip',
  '.zip': 'application/zip',
};
/** A sandbox without scripts: what a workflow wrote must not act in our name. */
const SANDBOX = "sandbox; base-uri 'none'; default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'";
const INDEX_PAGE = 'index.html';

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const notFound = (what: string): ApiError => new ApiError(5, `${what} not found`);

function findArtifact({ workflow, nodeId, direction, artifactName }: ArtifactRequest): Artifact {
  const nodes = workflow.status?.nodes ?? {};
  const node = Object.hasOwn(nodes, nodeId) ? nodes[nodeId] : undefined;
  if (node === undefined) throw notFound(`node ${JSON.stringify(nodeId.slice(0, 200))}`);
  const artifact = node[direction]?.artifacts?.find(({ name }) => name === artifactName);
  if (artifact === undefined) throw notFound(`artifact ${JSON.stringify(artifactName.slice(0, 200))}`);
  if (artifact.deleted === true) throw notFound(`artifact ${JSON.stringify(artifactName)} was deleted`);
  return artifact;
}

/** A path below a directory artifact without any way out of it. */
function belowKey(key: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes('..') || parts.includes('.') || path.includes('\0'))
    throw new ApiError(3, 'the path must not leave the artifact');
  return posix.join(key, ...parts);
}

/** Streams artifacts out of their stores; a directory is shown as a page of links. */
@Injectable()
export class ArtifactDownload {
  constructor(
    @Inject(ARTIFACT_DRIVERS) private readonly drivers: ArtifactDrivers,
    @Inject(ShippedLog) private readonly shippedLog: ShippedLog,
  ) {}

  async send(request: ArtifactRequest, response: Response): Promise<void> {
    const namespace = request.workflow.metadata.namespace ?? '';
    const whole = artifactLocation(request.workflow, findArtifact(request));
    const key = keyOf(whole);
    const location = request.path === undefined || key === undefined ? whole : withKey(whole, belowKey(key, request.path));
    const driver = this.drivers.driverFor(location, { namespace });
    try {
      if (key !== undefined && (await driver.isDirectory(location))) await this.sendDirectory(driver, location, response);
      else if (response.req.method === 'HEAD') await this.sendHead(driver, location, response);
      else await this.sendObject(await this.open(driver, location, request), location, response);
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) throw notFound("the artifact's object was");
      if (error instanceof ArtifactKeyError) throw new ApiError(3, error.message, { cause: error });
      throw error;
    }
  }

  /** The object; of a log that is not one object yet what is there of it. */
  private async open(driver: ArtifactDriver, location: ArtifactLocation, request: ArtifactRequest): Promise<Readable> {
    const { workflow, nodeId, direction, artifactName } = request;
    try {
      return await driver.load(location);
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError) || direction !== 'outputs') throw error;
      const shipped = await this.shippedLog.open(workflow, nodeId, artifactName);
      if (shipped === undefined) throw error;
      return shipped;
    }
  }

  private async sendObject(body: Readable, location: ArtifactLocation, response: Response): Promise<void> {
    describe(location, response);
    try {
      await pipeline(body, response);
    } catch (error) {
      // A client that goes away in the middle is no failure of ours.
      if (!response.destroyed) throw error;
    }
  }

  /** The same headers without a body that would be read for nothing. */
  private async sendHead(driver: ArtifactDriver, location: ArtifactLocation, response: Response): Promise<void> {
    const found = await driver.head(location);
    if (found === undefined) throw notFound("the artifact's object was");
    describe(location, response);
    response.setHeader('Content-Length', found.sizeBytes);
    response.end();
  }

  /** A page that the workflow made for its folder, else a list of links. They are relative, so the address has to end with a slash. */
  private async sendDirectory(driver: ArtifactDriver, location: ArtifactLocation, response: Response): Promise<void> {
    const { path } = response.req;
    if (!path.endsWith('/')) {
      response.redirect(307, `./${path.slice(path.lastIndexOf('/') + 1)}/`);
      return;
    }
    const prefix = `${(keyOf(location) ?? '').replace(/\/$/, '')}/`;
    const names = new Set<string>();
    for await (const { key } of driver.list(location)) {
      const [first = '', ...rest] = key.slice(key.indexOf(prefix) + prefix.length).split('/');
      if (first !== '') names.add(rest.length > 0 ? `${first}/` : first);
    }
    if (names.has(INDEX_PAGE)) {
      response.redirect(307, `./${INDEX_PAGE}`);
      return;
    }
    const links = [...names].sort().map((name) => `<li><a href="./${linkTo(name)}">${escapeHtml(name)}</a></li>`);
    response.setHeader('Content-Security-Policy', SANDBOX);
    response.type('html').send(`<!doctype html><html><body><ul>${links.join('')}</ul></body></html>`);
  }
}

const linkTo = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/** Argo names the file without making it a download (v4.1 `artifact_server.go`); letters beyond ASCII stand in a field of their own. */
function describe(location: ArtifactLocation, response: Response): void {
  const name = basename(keyOf(location) ?? 'artifact');
  const plain = name.replaceAll(/[^ !#-[\]-~]/g, '_');
  const encoded = plain === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name)}`;
  response.setHeader('Content-Type', TYPES[posix.extname(name).toLowerCase()] ?? 'application/octet-stream');
  response.setHeader('Content-Security-Policy', SANDBOX);
  response.setHeader('Content-Disposition', `filename="${plain}"${encoded}`);
}
