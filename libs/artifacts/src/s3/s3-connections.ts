import type { SecretReader } from '../secrets/secret-fields.js';

import { S3ClientPool, type PoolOptions } from './s3-client-pool.js';
import { S3ArtifactDriver } from './s3-driver.js';

/** All connections of a program to S3 stores, and the driver over them for each namespace. */
export class S3Connections {
  private readonly pool: S3ClientPool;

  constructor(private readonly options: PoolOptions & { readSecret: SecretReader }) {
    this.pool = new S3ClientPool(options);
  }

  driverFor(namespace: string): S3ArtifactDriver {
    return new S3ArtifactDriver(this.pool, { namespace, readSecret: this.options.readSecret });
  }

  close(): void {
    this.pool.close();
  }
}
