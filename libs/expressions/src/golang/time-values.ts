/** A span of time as Go's time.Duration: nanoseconds in 64 bits. */
export class GoDuration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = BigInt.asIntN(64, ns);
  }
}

/** A moment as Go's time.Time: nanoseconds since 1970 and the zone it is shown in (IANA name, `UTC` or a fixed offset). */
export class GoTime {
  readonly unixNs: bigint;
  readonly zone: string;
  constructor(unixNs: bigint, zone = 'UTC') {
    this.unixNs = unixNs;
    this.zone = zone;
  }
}

/** A time zone as Go's *time.Location. */
export class GoLocation {
  readonly zone: string;
  constructor(zone: string) {
    this.zone = zone;
  }
}
