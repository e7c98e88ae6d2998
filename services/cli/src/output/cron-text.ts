import { nextTick, schedulesOf } from '#libs/expressions';
import { shortDuration, timestampText } from './ages.js';
import { tableText } from './table.js';

/** A CronWorkflow as the API gives it; templates have only the metadata of it. */
export interface CronObject {
  metadata: { name?: string; namespace?: string; creationTimestamp?: string; resourceVersion?: string };
  spec?: {
    schedules?: string[];
    schedule?: string;
    timezone?: string;
    suspend?: boolean;
    concurrencyPolicy?: string;
    startingDeadlineSeconds?: number;
  };
  status?: {
    active?: { name?: string }[] | null;
    lastScheduledTime?: string | null;
    phase?: string;
    succeeded?: number;
    failed?: number;
    conditions?: { type?: string; status?: string; message?: string }[] | null;
  };
}

const schedulesIn = ({ spec }: CronObject): string[] => spec?.schedules ?? (spec?.schedule ? [spec.schedule] : []);

/** The next tick after `nowMs`; undefined where none comes: suspended, stopped, or schedules that cannot be read. */
const nextRunMs = (cron: CronObject, nowMs: number): number | undefined => {
  if (cron.spec?.suspend === true || cron.status?.phase === 'Stopped') return undefined;
  const { timezone } = cron.spec ?? {};
  try {
    const schedules = schedulesOf({ schedules: schedulesIn(cron), ...(timezone === undefined ? {} : { timezone }) });
    const beganAt = cron.status?.lastScheduledTime ?? cron.metadata.creationTimestamp;
    return nextTick(schedules, nowMs, beganAt ? Date.parse(beganAt) : nowMs);
  } catch {
    return undefined;
  }
};

const ageOf = (time: string | null | undefined, nowMs: number, absent: string): string =>
  time ? shortDuration(nowMs - Date.parse(time)) : absent;

/** What `cron list` prints. */
export const cronTable = (objects: readonly CronObject[], nowMs: number): string =>
  tableText([
    ['NAME', 'AGE', 'LAST RUN', 'NEXT RUN', 'SCHEDULES', 'TIMEZONE', 'SUSPENDED'],
    ...objects.map((cron) => {
      const next = nextRunMs(cron, nowMs);
      return [
        cron.metadata.name ?? '',
        ageOf(cron.metadata.creationTimestamp, nowMs, ''),
        ageOf(cron.status?.lastScheduledTime, nowMs, 'N/A'),
        next === undefined ? 'N/A' : shortDuration(next - nowMs),
        schedulesIn(cron).join(','),
        cron.spec?.timezone ?? '',
        String(cron.spec?.suspend ?? false),
      ];
    }),
  ]);

const KEY_WIDTH = 30;

/** What `cron get` prints: a line for each fact that there is. */
export const cronText = (cron: CronObject, nowMs: number): string => {
  const { metadata, spec = {}, status = {} } = cron;
  const next = nextRunMs(cron, nowMs);
  const time = (text: string | null | undefined): string | undefined => (text ? timestampText(text, nowMs) : undefined);
  const facts: [string, string | undefined][] = [
    ['Name', metadata.name ?? ''],
    ['Namespace', metadata.namespace ?? ''],
    ['Created', time(metadata.creationTimestamp)],
    ['Schedules', schedulesIn(cron).join(',')],
    ['Timezone', spec.timezone],
    ['Suspended', String(spec.suspend ?? false)],
    ['StartingDeadlineSeconds', spec.startingDeadlineSeconds === undefined ? undefined : String(spec.startingDeadlineSeconds)],
    ['ConcurrencyPolicy', spec.concurrencyPolicy],
    ['LastScheduledTime', time(status.lastScheduledTime)],
    ['NextScheduledTime', next === undefined ? undefined : time(new Date(next).toISOString())],
    ['Phase', status.phase],
    ['Succeeded', status.succeeded ? String(status.succeeded) : undefined],
    ['Failed', status.failed ? String(status.failed) : undefined],
    ['Active Workflows', status.active?.map(({ name }) => name).join(', ')],
    ['Conditions', status.conditions?.map(({ type, message }) => `${type}: ${message}`).join('; ')],
  ];
  return facts
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}:`.padEnd(KEY_WIDTH) + ` ${value}`)
    .join('\n');
};
