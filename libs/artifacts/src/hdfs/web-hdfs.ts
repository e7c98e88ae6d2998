import type { Readable } from 'node:stream';

import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';
import { done, exchange, type HttpAnswer, type HttpRequest, successful, textOf } from '../http/exchange.js';

/** What a name node says of a file or folder. */
export interface HdfsStatus {
  pathSuffix: string;
  type: string;
  length: number;
  modificationTime: number;
}

/** The cluster as WebHDFS shows it (Apache Hadoop 3, "WebHDFS REST API"). Paths are absolute. */
export class WebHdfs {
  constructor(
    private readonly nameNodes: readonly string[],
    private readonly user: string,
  ) {}

  /** The bytes come from a data node, to which the name node sends on. */
  async open(path: string): Promise<HttpAnswer> {
    return this.ask('GET', path, { op: 'OPEN' });
  }

  async status(path: string): Promise<HdfsStatus> {
    return (await this.json<{ FileStatus: HdfsStatus }>('GET', path, { op: 'GETFILESTATUS' })).FileStatus;
  }

  /** What is in a folder; of a file, the file itself with an empty `pathSuffix`. */
  async children(path: string): Promise<HdfsStatus[]> {
    const answer = await this.json<{ FileStatuses: { FileStatus: HdfsStatus[] } }>('GET', path, { op: 'LISTSTATUS' });
    return answer.FileStatuses.FileStatus;
  }

  /** Folders on the way are made. The name node says at which data node the bytes go in; it gets none of them itself. */
  async create(path: string, body: Readable, options: { sizeBytes?: number; signal?: AbortSignal }): Promise<void> {
    const { status, headers } = await this.ask('PUT', path, { op: 'CREATE', overwrite: 'true' }, [307]);
    const target = headers.location;
    if (target === undefined) throw new TransientError(`object store: status ${status} names no data node`);
    await done({ method: 'PUT', url: target, headers: { 'content-type': 'application/octet-stream' }, body, ...options }, path);
  }

  /** Replaces what is there. Gateways that know no overwriting say false; then it is removed first. */
  async replace(path: string, destination: string): Promise<void> {
    const rename = { op: 'RENAME', destination, renameoptions: 'OVERWRITE' };
    const said = await textOf(await this.ask('PUT', path, rename));
    if (!/"boolean"\s*:\s*false/.test(said)) return;
    await this.remove(destination);
    const { boolean } = await this.json<{ boolean: boolean }>('PUT', path, { op: 'RENAME', destination });
    if (!boolean) throw new TransientError(`object store: "${destination}" could not be put in its place`);
  }

  async remove(path: string): Promise<void> {
    try {
      await this.json('DELETE', path, { op: 'DELETE', recursive: 'false' });
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
  }

  async setAttribute(path: string, name: string, value: Buffer): Promise<void> {
    const query = { op: 'SETXATTR', 'xattr.name': name, 'xattr.value': `0x${value.toString('hex')}`, flag: 'CREATE' };
    (await this.ask('PUT', path, query)).body.resume();
  }

  /** Undefined where the file has no such attribute, or the cluster none at all. */
  async attribute(path: string, name: string): Promise<Buffer | undefined> {
    try {
      const query = { op: 'GETXATTRS', 'xattr.name': name, encoding: 'hex' };
      const { XAttrs: [found] = [] } = await this.json<{ XAttrs?: { value?: string }[] }>('GET', path, query);
      return found?.value === undefined ? undefined : Buffer.from(found.value.replace(/^0x/, ''), 'hex');
    } catch (error) {
      if (error instanceof ArtifactAccessError) return undefined;
      throw error;
    }
  }

  private async json<T>(method: HttpRequest['method'], path: string, query: Record<string, string>): Promise<T> {
    return JSON.parse(await textOf(await this.ask(method, path, query))) as T;
  }

  /** Asks one name node after the other until one is there and active. */
  private async ask(
    method: HttpRequest['method'],
    path: string,
    query: Record<string, string>,
    expected: readonly number[] = [],
  ): Promise<HttpAnswer> {
    const text = new URLSearchParams({ ...query, 'user.name': this.user }).toString().replaceAll('+', '%20');
    const encoded = path.split('/').map(encodeURIComponent).join('/');
    let failure: unknown;
    for (const nameNode of this.nameNodes) {
      try {
        return await this.askOne({ method, url: `${nameNode}/webhdfs/v1${encoded}?${text}` }, path, expected);
      } catch (error) {
        if (!(error instanceof TransientError) && !isStandby(error)) throw error;
        failure = isStandby(error) ? new TransientError((error as Error).message, { cause: error }) : error;
      }
    }
    throw failure;
  }

  private async askOne(request: HttpRequest, path: string, expected: readonly number[]): Promise<HttpAnswer> {
    if (expected.length === 0) return successful(request, path);
    const answer = await exchange(request);
    if (expected.includes(answer.status)) {
      answer.body.resume();
      return answer;
    }
    const said = await textOf(answer);
    const message = `${request.method} ${path}: status ${answer.status}: ${said.slice(0, 300)}`;
    throw answer.status >= 500 || answer.status < 400 ? new TransientError(message) : new ArtifactAccessError(message);
  }
}

function isStandby(error: unknown): boolean {
  return error instanceof ArtifactAccessError && error.message.includes('StandbyException');
}
