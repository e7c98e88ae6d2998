import type { PodBucket, PodRepository, PodWorkRow } from '#libs/store';
import { claimOrderId } from '#libs/workflow-spec';
import { mountedClaims } from './claim-keeper.js';

export interface ClaimHostsPorts {
  pods: Pick<PodRepository, 'hostsOf'>;
  /** Tells another host that the bucket has a pod for it. */
  wakeHost: (bucket: PodBucket, host: string) => Promise<void>;
  host: string;
}

const ordersOf = ({ manifest }: PodWorkRow): string[] => mountedClaims(manifest).map(claimOrderId);

/** A pod runs where the volumes of its claims are: on the host that made them. */
export class ClaimHosts {
  constructor(private readonly ports: ClaimHostsPorts) {}

  /** The rows without unclaimed pods whose volumes are elsewhere; those hosts are told. */
  async ownRows(bucket: PodBucket, rows: PodWorkRow[]): Promise<PodWorkRow[]> {
    const { pods, wakeHost, host } = this.ports;
    const orders = new Set(rows.filter(({ status }) => status === null).flatMap(ordersOf));
    if (orders.size === 0) return rows;
    const holders = await pods.hostsOf(bucket.workflow, [...orders]);
    const holderOf = (row: PodWorkRow): string | undefined =>
      row.status === null
        ? ordersOf(row)
            .flatMap((order) => holders.get(order) ?? [])
            .find((holder) => holder !== host)
        : undefined;
    for (const other of new Set(rows.flatMap((row) => holderOf(row) ?? []))) await wakeHost(bucket, other);
    return rows.filter((row) => holderOf(row) === undefined);
  }
}
