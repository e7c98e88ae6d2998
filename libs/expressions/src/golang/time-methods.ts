import { float, int } from './numbers.js';
import { GoDuration, type GoTime } from './time-values.js';

type Method = (args: readonly unknown[]) => unknown;

/** The method of that name of a time or duration value, bound to it; undefined when there is none. */
export function timeMethod(value: GoTime | GoDuration, name: string): Method | undefined {
  if (value instanceof GoDuration) return durationMethods(value)[name];
  return undefined;
}

const durationMethods = (duration: GoDuration): Readonly<Record<string, Method>> => ({
  Hours: () => float(Number(duration.ns) / 3.6e12),
  Minutes: () => float(Number(duration.ns) / 6e10),
  Seconds: () => float(Number(duration.ns) / 1e9),
  Milliseconds: () => int(duration.ns / 1_000_000n),
  Microseconds: () => int(duration.ns / 1000n),
  Nanoseconds: () => int(duration.ns),
});
