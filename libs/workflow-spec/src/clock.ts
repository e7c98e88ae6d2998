/** Where code that is not pure takes the time from: the system, or a manual clock in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}
