const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** A length of time in its two largest units, as Argo's CLI writes it: `4s`, `2m 5s`, `3h`, `5d`. */
export const shortDuration = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < MINUTE) return `${Math.floor(seconds / SECOND)}s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h`;
  return seconds < YEAR ? `${Math.floor(seconds / DAY)}d` : `${Math.floor(seconds / YEAR)}y`;
};

/** A length of time in words: `4 seconds`, `1 minute 5 seconds`. */
export const wordyDuration = (ms: number): string => {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [name, size] of [
    ['day', DAY],
    ['hour', HOUR],
    ['minute', MINUTE],
    ['second', SECOND],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return parts.length === 0 ? '0 seconds' : parts.slice(0, 2).join(' ');
};

/** A point in time as Argo's CLI writes it: `Sat Nov 21 02:37:00 +0000 (5 minutes ago)`. */
export const timestampText = (time: string, nowMs: number): string => {
  const date = new Date(time);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][date.getUTCDay()];
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getUTCMonth()];
  const clock = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
  return `${day} ${month} ${pad(date.getUTCDate())} ${clock} +0000 (${agoText(nowMs - date.getTime())})`;
};

const agoText = (ms: number): string => {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const [count, name] =
    seconds < MINUTE
      ? [seconds, 'second']
      : seconds < HOUR
        ? [Math.floor(seconds / MINUTE), 'minute']
        : seconds < DAY
          ? [Math.floor(seconds / HOUR), 'hour']
          : [Math.floor(seconds / DAY), 'day'];
  const text = count === 0 ? 'now' : `${count} ${name}${count === 1 ? '' : 's'}`;
  if (count === 0) return text;
  return ms < 0 ? `${text} from now` : `${text} ago`;
};
