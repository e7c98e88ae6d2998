import { WorkflowInvalidError } from '../errors.js';
import { parseGoDuration } from '../durations.js';

interface CronField {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 6, names: DAYS },
];
const DESCRIPTORS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

const valueOf = (text: string, field: CronField): number => {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.min;
  return /^\d+$/.test(text) ? Number(text) : NaN;
};

const isPart = (part: string, field: CronField): boolean => {
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0 || (step !== undefined && !/^0*[1-9]\d*$/.test(step))) return false;
  if (range === '*' || range === '?') return true;
  const [from = '', to, ...others] = range.split('-');
  if (others.length > 0) return false;
  const start = valueOf(from, field);
  const end = to === undefined ? start : valueOf(to, field);
  return start >= field.min && end <= field.max && start <= end;
};

/** A schedule as robfig/cron's standard parser takes it: five fields, a descriptor or `@every <duration>`; WorkflowInvalidError otherwise. */
export const assertCronSchedule = (schedule: string): void => {
  const malformed = (reason: string): WorkflowInvalidError =>
    new WorkflowInvalidError(`cron schedule ${schedule} is malformed: ${reason}`);
  const rest = schedule.replace(/^(?:CRON_)?TZ=\S+\s+/, '').trim();
  if (rest === '') throw malformed('empty spec string');
  if (rest.startsWith('@every ')) {
    try {
      parseGoDuration(rest.slice('@every '.length));
      return;
    } catch {
      throw malformed(`failed to parse duration ${rest}`);
    }
  }
  if (rest.startsWith('@')) {
    if (!DESCRIPTORS.has(rest)) throw malformed(`unrecognized descriptor: ${rest}`);
    return;
  }
  const parts = rest.split(/\s+/);
  if (parts.length !== FIELDS.length) throw malformed(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  FIELDS.forEach((field, index) => {
    const text = parts[index] ?? '';
    if (!text.split(',').every((part) => isPart(part, field))) throw malformed(`the ${field.name} "${text}" is not valid`);
  });
};
