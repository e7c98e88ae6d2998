import type { ImageProgram } from '#libs/pod-spec';

import { imageReference, type ImageReference } from './image-reference.js';
import type { PullCredential } from './pull-credentials.js';
import { RegistryLimitError, RegistrySession, type RegistrySessionOptions } from './registry-session.js';

export interface ImageRegistryOptions extends RegistrySessionOptions {
  /** Milliseconds since the epoch. */
  nowMs: () => number;
}

/** Somebody who may see images that are not for everybody. */
export interface ImageViewer {
  /** Tells viewers apart: what one has seen is not shown to another. */
  key: string;
  /** Whom the registry may know; asked only where it does not show the image to everybody. */
  credentials: (image: ImageReference) => Promise<PullCredential[]>;
}

const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const MAX_REMEMBERED = 1_000;
/** A tag may be moved; a digest never is. */
const TAG_AGE_MS = 10 * 60_000;
/** An image may be pushed, and a Secret be put right, at any moment. */
const UNKNOWN_AGE_MS = 30_000;

interface Manifest {
  config?: { digest: string };
  manifests?: { digest: string; platform?: { os?: string; architecture?: string } }[];
}
interface ImageConfig {
  config?: { Entrypoint?: string[] | null; Cmd?: string[] | null };
}
type Program = Promise<ImageProgram | undefined>;

/** What images run by themselves, as their registries say (distribution API v2), remembered: asked as nobody, and where that does not do as the viewer. */
export class ImageRegistry {
  private readonly known = new Map<string, { untilMs: number; program: Program }>();

  constructor(private readonly options: ImageRegistryOptions) {}

  /** Undefined where the registry does not have it or does not show it to the viewer. Throws RuntimeUnavailableError where it is away. */
  async programOf(image: string, viewer?: ImageViewer): Program {
    const reference = imageReference(image);
    // Registries count the requests of nobody: that these are too many is no answer while there is somebody else to ask as.
    let limit: RegistryLimitError | undefined;
    const seen = await this.remembered(image, image, () => this.ask(reference)).catch((error: unknown) => {
      if (!(error instanceof RegistryLimitError)) throw error;
      limit = error;
      return undefined;
    });
    const program =
      seen ??
      (viewer === undefined
        ? undefined
        : await this.remembered(`${image} ${viewer.key}`, image, () => this.asViewer(reference, viewer)));
    if (program === undefined && limit !== undefined) throw limit;
    return program;
  }

  private async remembered(key: string, image: string, ask: () => Program): Program {
    const found = this.known.get(key);
    if (found !== undefined && this.options.nowMs() < found.untilMs) return found.program;
    const program = ask();
    const entry = { untilMs: this.options.nowMs() + UNKNOWN_AGE_MS, program };
    this.known.delete(key);
    this.known.set(key, entry);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    try {
      const answer = await program;
      if (answer !== undefined) entry.untilMs = image.includes('@') ? Infinity : this.options.nowMs() + TAG_AGE_MS;
      return answer;
    } catch (error) {
      if (this.known.get(key) === entry) this.known.delete(key);
      throw error;
    }
  }

  private async asViewer(reference: ImageReference, { credentials }: ImageViewer): Program {
    for (const credential of await credentials(reference)) {
      const program = await this.ask(reference, credential);
      if (program !== undefined) return program;
    }
    return undefined;
  }

  private async ask(reference: ImageReference, credential?: PullCredential): Program {
    const session = new RegistrySession(reference, this.options, credential);
    const manifestOf = (which: string): Promise<Manifest | undefined> => session.get(`manifests/${which}`, MANIFESTS);
    const manifest = await manifestOf(reference.reference);
    const chosen = manifest?.manifests === undefined ? manifest : await manifestOf(forThisPlatform(manifest.manifests));
    if (chosen?.config === undefined) return undefined;
    const found = await session.get<ImageConfig>(`blobs/${chosen.config.digest}`, '*/*');
    const { Entrypoint: entrypoint, Cmd: cmd } = found?.config ?? {};
    return { ...(entrypoint ? { entrypoint } : {}), ...(cmd ? { cmd } : {}) };
  }
}

/** The entrypoints of the platforms of one image are the same; any will do. */
function forThisPlatform(manifests: NonNullable<Manifest['manifests']>): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const linux = manifests.filter(({ platform }) => platform?.os === 'linux');
  return (linux.find(({ platform }) => platform?.architecture === architecture) ?? linux[0] ?? manifests[0])?.digest ?? '';
}
