import { InvalidArgumentError } from './errors.js';

/** RFC 3339 in UTC with whole seconds (`2024-01-31T08:30:00Z`), as Kubernetes writes times; milliseconds are cut off. */
export const formatTime = (timeMs: number): string => `${new Date(Math.floor(timeMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch of an RFC 3339 text; InvalidArgumentError where it is none. */
export const parseTime = (text: string): number => {
  const parsedMs = RFC3339.test(text) ? Date.parse(text.toUpperCase()) : NaN;
  if (Number.isNaN(parsedMs)) throw new InvalidArgumentError(`"${text.slice(0, 64)}" is not a time in RFC 3339 form`);
  return parsedMs;
};
