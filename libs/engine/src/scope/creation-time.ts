import { formatTime, parseTime } from '#libs/workflow-spec';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const padded = (value: number, width = 2): string => String(value).padStart(width, '0');

/** One letter each as Argo's strftime table has them, its quirks included (`M` is minutes). */
const letters = (date: Date): Record<string, string> => {
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const day = DAYS[date.getUTCDay()] ?? '';
  const hour = date.getUTCHours();
  return {
    B: month,
    b: month.slice(0, 3),
    m: padded(date.getUTCMonth() + 1),
    A: day,
    a: day.slice(0, 3),
    d: padded(date.getUTCDate()),
    H: padded(hour),
    I: padded(hour % 12 === 0 ? 12 : hour % 12),
    M: padded(date.getUTCMinutes()),
    S: padded(date.getUTCSeconds()),
    Y: String(date.getUTCFullYear()),
    y: padded(date.getUTCFullYear() % 100),
    p: hour < 12 ? 'AM' : 'PM',
    Z: 'UTC',
    z: '+0000',
    L: '.000',
  };
};

/** `workflow.creationTimestamp` and its forms; nothing where the object has no such time. */
export const creationTimeVariables = (creationTimestamp: string | undefined): [string, string][] => {
  if (creationTimestamp === undefined) return [];
  const timeMs = parseTime(creationTimestamp);
  const name = 'workflow.creationTimestamp';
  return [
    [name, formatTime(timeMs)],
    [`${name}.RFC3339`, formatTime(timeMs)],
    [`${name}.s`, String(Math.floor(timeMs / 1000))],
    ...Object.entries(letters(new Date(timeMs))).map(([letter, value]): [string, string] => [`${name}.${letter}`, value]),
  ];
};
