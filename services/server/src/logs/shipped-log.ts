import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { ArtifactDrivers } from '#libs/artifacts';
import { findLog, type StoredLog } from '#libs/execution';
import { Store } from '#libs/store';
import type { Workflow } from '#libs/workflow-spec';
import { ARTIFACT_DRIVERS } from '../ports.js';

const LOGS = '-logs';

/** The log of a container before it is one object: what its pod-manager has shipped of it. */
@Injectable()
export class ShippedLog {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(ARTIFACT_DRIVERS) private readonly artifacts: ArtifactDrivers,
  ) {}

  /** The bytes of the artifact `<container>-logs` as far as they are shipped; undefined where none are, or it is no log. */
  async open(workflow: Workflow, nodeId: string, artifactName: string): Promise<Readable | undefined> {
    if (!artifactName.endsWith(LOGS)) return undefined;
    const container = artifactName.slice(0, -LOGS.length);
    const shipments = await this.store.logShipments.ofWorkflow(workflow.metadata.uid ?? '');
    const shipment = shipments.filter(({ key }) => key.nodeId === nodeId).at(-1);
    const log = shipment?.logs.find((each) => each.container === container);
    if (shipment === undefined || log === undefined) return undefined;
    const { key, namespace } = shipment;
    const stored = await findLog(this.artifacts, { ...key, namespace, location: log.location });
    return stored === undefined ? undefined : Readable.from(bytesOf(stored), { objectMode: false });
  }
}

async function* bytesOf(stored: StoredLog): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of stored.chunks()) yield bytes;
}
