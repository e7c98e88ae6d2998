import { ExpressionError } from '../errors.js';
import { calendarOf, type Calendar } from './calendar.js';
import { layoutPieces, MONTHS, RFC3339, WEEKDAYS } from './time-layout.js';
import { parseTime } from './time-parse.js';
import { type GoTime } from './time-values.js';
import { formatOffset, zoneAbbreviation } from './zones.js';

const two = (value: number): string => String(value).padStart(2, '0');
const hour12 = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);

type Format = (calendar: Calendar, time: GoTime) => string;

const ELEMENTS: Readonly<Record<string, Format>> = {
  '2006': ({ year }) => (year < 0 ? '-' : '') + String(Math.abs(year)).padStart(4, '0'),
  '06': ({ year }) => two(Math.abs(year) % 100),
  January: ({ month }) => MONTHS[month - 1] ?? '',
  Jan: ({ month }) => (MONTHS[month - 1] ?? '').slice(0, 3),
  '01': ({ month }) => two(month),
  '1': ({ month }) => String(month),
  Monday: ({ weekday }) => WEEKDAYS[weekday] ?? '',
  Mon: ({ weekday }) => (WEEKDAYS[weekday] ?? '').slice(0, 3),
  '02': ({ day }) => two(day),
  _2: ({ day }) => String(day).padStart(2, ' '),
  '2': ({ day }) => String(day),
  __2: ({ yearDay }) => String(yearDay).padStart(3, ' '),
  '002': ({ yearDay }) => String(yearDay).padStart(3, '0'),
  '15': ({ hour }) => two(hour),
  '03': ({ hour }) => two(hour12(hour)),
  '3': ({ hour }) => String(hour12(hour)),
  '04': ({ minute }) => two(minute),
  '4': ({ minute }) => String(minute),
  '05': ({ second }) => two(second),
  '5': ({ second }) => String(second),
  PM: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  pm: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
  MST: ({ unixSeconds }, time) => zoneAbbreviation(time.zone, unixSeconds),
};

function formatZone(element: string, offsetSeconds: number): string {
  if (element.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const text = formatOffset(offsetSeconds, element.includes(':'));
  if (element.length === 3) return text.slice(0, 3);
  const seconds = Math.abs(offsetSeconds) % 60;
  if (element.endsWith(':00:00')) return `${text}:${two(seconds)}`;
  return element.length === 7 ? text + two(seconds) : text;
}

function formatFraction(element: string, nanosecond: number): string {
  const digits = String(nanosecond)
    .padStart(9, '0')
    .slice(0, element.length - 1);
  const padded = digits.padEnd(element.length - 1, '0');
  if (element.charAt(1) === '0') return element.charAt(0) + padded;
  const trimmed = padded.replace(/0+$/, '');
  return trimmed === '' ? '' : element.charAt(0) + trimmed;
}

/** Formats a moment by a Go layout (`2006-01-02T15:04:05Z07:00`). */
export function formatTime(time: GoTime, layout: string): string {
  const calendar = calendarOf(time);
  return layoutPieces(layout)
    .map(({ literal, text }) => {
      if (literal) return text;
      const format = ELEMENTS[text];
      if (format) return format(calendar, time);
      return /^[.,]/.test(text) ? formatFraction(text, calendar.nanosecond) : formatZone(text, calendar.offsetSeconds);
    })
    .join('');
}

/** RFC 3339 with as many fraction digits as needed, as time.Time marshals to JSON. */
export const formatRfc3339 = (time: GoTime): string => formatTime(time, '2006-01-02T15:04:05.999999999Z07:00');

/** What `%v` prints of a moment. */
export const formatTimeValue = (time: GoTime): string => formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');

/** Reads an RFC 3339 time; throws ExpressionError with Go's text. */
export function parseRfc3339(text: string): GoTime {
  const time = parseTime(RFC3339, text);
  if (time instanceof ExpressionError) throw time;
  return time;
}
