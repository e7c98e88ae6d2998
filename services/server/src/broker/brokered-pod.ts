import type { ArtifactDriver, ArtifactDrivers } from '#libs/artifacts';
import { isLogSegment, placeAround, podPlaces, type PodPlaceUse } from '#libs/execution';
import { type CredentialNamespaces, secretNames } from '#libs/program';
import type { PodAccess } from '#libs/store';
import { artifactDriverKinds, type ArtifactLocation } from '#libs/workflow-spec';
import { BrokerReason, BrokerRefusal } from './broker-errors.js';

/** Stores that are opened with an identity even where no Secret is named. */
const WITH_IDENTITY = new Set<string>(['s3', 'gcs', 'azure', 'oss', 'hdfs', 'plugin']);

/** A place with the driver that opens it. */
export interface OpenedPlace {
  driver: ArtifactDriver;
  location: ArtifactLocation;
}

/** What the broker does for one pod: its own places and no others, worked out from its row. */
export class BrokeredPod {
  constructor(
    private readonly access: PodAccess,
    private readonly ports: { drivers: ArtifactDrivers; credentials: CredentialNamespaces },
  ) {}

  /** Metadata of whatever it saves: what it gives, and the ownership mark that it cannot choose. */
  marked(metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { workflowUid, nodeId } = this.access.manifest.work;
    return { ...metadata, 'workflow-uid': workflowUid, 'node-id': nodeId };
  }

  async toRead(location: ArtifactLocation): Promise<OpenedPlace> {
    return this.open(location, ['input', 'output', 'log']);
  }

  async toWrite(location: ArtifactLocation): Promise<OpenedPlace> {
    return this.open(location, ['output', 'log']);
  }

  async toDelete(location: ArtifactLocation): Promise<OpenedPlace> {
    if (!isLogSegment(podPlaces(this.access.manifest), location)) throw notYours();
    return this.open(location, ['log']);
  }

  private async open(location: ArtifactLocation, uses: readonly PodPlaceUse[]): Promise<OpenedPlace> {
    const { manifest, namespace, repository } = this.access;
    const { drivers, credentials } = this.ports;
    if (placeAround(podPlaces(manifest), location, uses) === undefined) throw notYours();
    const [kind = ''] = artifactDriverKinds(location);
    const usesIdentity = WITH_IDENTITY.has(kind) && secretNames(location).length === 0;
    if (usesIdentity && !credentials.isControllers(location, repository)) {
      throw new BrokerRefusal(
        BrokerReason.ownIdentity,
        'the place names no Secret, and is not in the repository of the controller: open it with the identity of the pod',
      );
    }
    const secretsIn = await credentials.namespaceFor({ location, namespace, repository });
    return { driver: drivers.driverFor(location, { namespace: secretsIn }), location };
  }
}

const notYours = (): BrokerRefusal =>
  new BrokerRefusal(BrokerReason.notYours, 'this place is none of the inputs, outputs and logs of the pod');
