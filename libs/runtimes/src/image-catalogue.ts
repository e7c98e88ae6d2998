import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parse } from 'yaml';
import { z } from 'zod';

import { ImageCatalogueError } from './errors.js';

const entrySchema = z.strictObject({
  root: z.string().min(1).optional(),
  entrypoint: z.array(z.string()).optional(),
  cmd: z.array(z.string()).optional(),
  absent: z.array(z.string()).optional(),
});
const fileSchema = z.record(z.string(), entrySchema);

/** What is known of an image: the folder laid over the host's root (absolute path), and what runs without a `command`. */
export interface ImageEntry {
  root?: string;
  entrypoint?: string[];
  cmd?: string[];
  /** Programs of the host that the image does not have: they are not found in it. */
  absent?: string[];
}

/** Images by name, as written in the file of `--images`. A name without tag and the same name with `:latest` are one image. */
export class ImageCatalogue {
  constructor(private readonly entries: ReadonlyMap<string, ImageEntry>) {}

  static empty(): ImageCatalogue {
    return new ImageCatalogue(new Map());
  }

  /** Reads `NAME: {root, entrypoint, cmd}` from a YAML file; roots are relative to it. Throws ImageCatalogueError. */
  static fromFile(file: string): ImageCatalogue {
    let written: unknown;
    try {
      written = parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw new ImageCatalogueError(`images file ${file}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    const parsed = fileSchema.safeParse(written ?? {});
    if (!parsed.success) throw new ImageCatalogueError(`images file ${file}: ${z.prettifyError(parsed.error)}`);
    const folder = path.dirname(path.resolve(file));
    return new ImageCatalogue(new Map(Object.entries(parsed.data).map(([name, entry]) => [name, compileEntry(entry, folder)])));
  }

  /** The entry of an image, or undefined where it is not in the file. */
  find(image: string): ImageEntry | undefined {
    return (
      this.entries.get(image) ??
      this.entries.get(image.endsWith(':latest') ? image.slice(0, -':latest'.length) : `${image}:latest`)
    );
  }
}

function compileEntry(entry: z.infer<typeof entrySchema>, folder: string): ImageEntry {
  return {
    ...(entry.root === undefined ? {} : { root: path.resolve(folder, entry.root) }),
    ...(entry.entrypoint === undefined ? {} : { entrypoint: entry.entrypoint }),
    ...(entry.cmd === undefined ? {} : { cmd: entry.cmd }),
    ...(entry.absent === undefined ? {} : { absent: entry.absent }),
  };
}
