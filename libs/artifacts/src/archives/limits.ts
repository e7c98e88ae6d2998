import { ArchiveRefusedError } from '../errors.js';

/** Bounds on what an archive may unpack to; they stop bombs, not honest data. */
export interface ArchiveLimits {
  maxEntries: number;
  maxTotalBytes: number;
  /** Unpacked bytes per packed byte; looked at only beyond `ratioFloorBytes`. */
  maxRatio: number;
  ratioFloorBytes: number;
}

/** One million entries, 1 TiB, and at most 200 times its own size beyond the first GiB. */
export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  maxEntries: 1_000_000,
  maxTotalBytes: 1024 ** 4,
  maxRatio: 200,
  ratioFloorBytes: 1024 ** 3,
};

/** Counts what one unpacking has made so far, and refuses where a bound is passed. */
export class ArchiveMeter {
  private entries = 0;
  private unpackedBytes = 0;
  private packedBytes = 0;

  constructor(private readonly limits: ArchiveLimits) {}

  addEntry(): void {
    this.entries += 1;
    if (this.entries > this.limits.maxEntries)
      throw new ArchiveRefusedError(`the archive has more than ${this.limits.maxEntries} entries`);
  }

  addPacked(bytes: number): void {
    this.packedBytes += bytes;
  }

  addUnpacked(bytes: number): void {
    this.unpackedBytes += bytes;
    if (this.unpackedBytes > this.limits.maxTotalBytes) {
      throw new ArchiveRefusedError(`the archive unpacks to more than ${this.limits.maxTotalBytes} bytes`);
    }
    if (this.unpackedBytes > this.limits.ratioFloorBytes && this.unpackedBytes > this.packedBytes * this.limits.maxRatio) {
      throw new ArchiveRefusedError(`the archive unpacks to more than ${this.limits.maxRatio} times its size`);
    }
  }
}
