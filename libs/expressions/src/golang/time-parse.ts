import { ExpressionError } from '../errors.js';
import { unixFromCalendar } from './calendar.js';
import { goQuote } from './quote.js';
import { layoutPieces, MONTHS, WEEKDAYS } from './time-layout.js';
import { GoTime } from './time-values.js';
import { formatOffset, zoneOffsetSeconds } from './zones.js';

interface Fields {
  year: number;
  month: number;
  day: number;
  yearDay: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  afternoon: boolean | undefined;
  zone: string | undefined;
}

type Field = 'year' | 'month' | 'day' | 'yearDay' | 'hour' | 'minute' | 'second';

interface NumberElement {
  readonly pattern: RegExp;
  readonly field: Field;
  readonly least: number;
  readonly most: number;
  readonly name: string;
}

const number = (pattern: RegExp, field: Field, least: number, most: number): NumberElement => ({
  pattern,
  field,
  least,
  most,
  name: field === 'yearDay' ? 'day-of-year' : field,
});
const TWO = /^\d\d/;
const ONE_OR_TWO = /^\d\d?/;

const NUMBERS: Readonly<Record<string, NumberElement>> = {
  '2006': number(/^\d{4}/, 'year', 0, 9999),
  '06': number(TWO, 'year', 0, 99),
  '01': number(TWO, 'month', 1, 12),
  '1': number(ONE_OR_TWO, 'month', 1, 12),
  '02': number(TWO, 'day', 0, 99),
  '2': number(ONE_OR_TWO, 'day', 0, 99),
  _2: number(/^ ?\d\d?/, 'day', 0, 99),
  '002': number(/^\d{3}/, 'yearDay', 1, 366),
  __2: number(/^ {0,2}\d{1,3}/, 'yearDay', 1, 366),
  '15': number(ONE_OR_TWO, 'hour', 0, 23),
  '03': number(TWO, 'hour', 0, 12),
  '3': number(ONE_OR_TWO, 'hour', 0, 12),
  '04': number(TWO, 'minute', 0, 59),
  '4': number(ONE_OR_TWO, 'minute', 0, 59),
  '05': number(TWO, 'second', 0, 59),
  '5': number(ONE_OR_TWO, 'second', 0, 59),
};
const ZONE = /^(?:Z|[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?)/;

class TimeParser {
  private rest: string;
  private readonly fields: Fields = {
    year: 0,
    month: 1,
    day: 1,
    yearDay: 0,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    afternoon: undefined,
    zone: undefined,
  };
  private readonly layout: string;
  private readonly text: string;
  private readonly localZone: string;

  constructor(layout: string, text: string, localZone: string) {
    this.layout = layout;
    this.text = text;
    this.rest = text;
    this.localZone = localZone;
  }

  run(): GoTime {
    const pieces = layoutPieces(this.layout);
    pieces.forEach((piece, i) => {
      if (piece.literal) this.literal(piece.text);
      else this.element(piece.text, pieces[i + 1]?.text ?? '');
    });
    if (this.rest !== '') this.fail(`: extra text: ${goQuote(this.rest)}`);
    return this.build();
  }

  private fail(detail: string): never {
    throw new ExpressionError(`parsing time ${goQuote(this.text)}${detail}`, 'parse');
  }

  private unparsable(element: string): never {
    return this.fail(` as ${goQuote(this.layout)}: cannot parse ${goQuote(this.rest)} as ${goQuote(element)}`);
  }

  private literal(text: string): void {
    for (const c of text) {
      if (c === ' ') {
        if (this.rest !== '' && !this.rest.startsWith(' ')) this.unparsable(text);
        this.rest = this.rest.replace(/^ +/, '');
      } else if (this.rest.startsWith(c)) this.rest = this.rest.slice(c.length);
      else this.unparsable(text);
    }
  }

  private take(pattern: RegExp, element: string): string {
    const found = pattern.exec(this.rest)?.[0];
    if (found === undefined) return this.unparsable(element);
    this.rest = this.rest.slice(found.length);
    return found;
  }

  private element(element: string, following: string): void {
    const numeric = NUMBERS[element];
    if (numeric) this.number(element, numeric, following);
    else if (element === 'January' || element === 'Jan') this.fields.month = this.name(MONTHS, element) + 1;
    else if (element === 'Monday' || element === 'Mon') this.name(WEEKDAYS, element);
    else if (element === 'PM' || element === 'pm') {
      this.fields.afternoon = this.take(element === 'PM' ? /^[AP]M/ : /^[ap]m/, element).toLowerCase() === 'pm';
    } else if (element === 'MST') this.zoneName();
    else if (/^[.,]/.test(element)) this.fraction(element);
    else this.zone(element);
  }

  private number(element: string, numeric: NumberElement, following: string): void {
    const value = Number(this.take(numeric.pattern, element));
    if (value < numeric.least || value > numeric.most) this.fail(`: ${numeric.name} out of range`);
    this.fields[numeric.field] = element === '06' ? value + (value >= 69 ? 1900 : 2000) : value;
    const fraction = /^[.,]\d+/.exec(this.rest)?.[0];
    if ((element === '05' || element === '5') && fraction !== undefined && !/^[.,][09]/.test(following)) this.fraction(fraction);
  }

  private fraction(element: string): void {
    const optional = element.charAt(1) === '9';
    const pattern = optional || !/^[.,]0+$/.test(element) ? /^[.,]\d+/ : new RegExp(`^[.,]\\d{${element.length - 1}}`);
    if (optional && !pattern.test(this.rest)) return;
    this.fields.nanosecond = Number(this.take(pattern, element).slice(1, 10).padEnd(9, '0'));
  }

  private name(names: readonly string[], element: string): number {
    const length = element.length === 3 ? 3 : undefined;
    const index = names.findIndex((name) => this.rest.toLowerCase().startsWith(name.slice(0, length).toLowerCase()));
    if (index < 0) this.unparsable(element);
    this.rest = this.rest.slice((names[index] ?? '').slice(0, length).length);
    return index;
  }

  private zoneName(): void {
    const name = this.take(/^(?:UTC|GMT[+-]\d{1,2}|[A-Z]{3,5}|[+-]\d{2}(?:\d{2})?)/, 'MST');
    this.fields.zone ??= 'UTC';
    if (/^[+-]/.test(name)) this.fields.zone = formatOffset(Number(name.slice(0, 3)) * 3600, true);
  }

  private zone(element: string): void {
    const text = this.take(ZONE, element);
    if (text === 'Z') {
      if (!element.startsWith('Z')) this.unparsable(element);
      this.fields.zone = 'UTC';
      return;
    }
    if (element.includes(':') !== text.includes(':') && element.length > 3) this.unparsable(element);
    const digits = text.replaceAll(':', '');
    const zone = `${digits.slice(0, 3)}:${digits.slice(3, 5).padEnd(2, '0')}`;
    this.fields.zone = /^[+-]00:00$/.test(zone) ? 'UTC' : zone;
  }

  private build(): GoTime {
    const { fields } = this;
    if (fields.afternoon === true && fields.hour < 12) fields.hour += 12;
    else if (fields.afternoon === false && fields.hour === 12) fields.hour = 0;
    const days = new Date(unixFromCalendar([fields.year, fields.month + 1, 0]) * 1000).getUTCDate();
    if (fields.yearDay === 0 && (fields.day < 1 || fields.day > days)) this.fail(': day out of range');
    const date = [fields.year, fields.yearDay > 0 ? 1 : fields.month, fields.yearDay || fields.day] as const;
    const wall = unixFromCalendar(date, [fields.hour, fields.minute, fields.second]);
    const zone = fields.zone ?? this.localZone;
    const guess = wall - zoneOffsetSeconds(zone, wall);
    const unix = wall - zoneOffsetSeconds(zone, guess);
    return new GoTime(BigInt(unix) * 1_000_000_000n + BigInt(fields.nanosecond), zone);
  }
}

/** Parses a text by a Go layout; `localZone` is meant where the text names none. The error is a value, with Go's text. */
export function parseTime(layout: string, text: string, localZone = 'UTC'): GoTime | ExpressionError {
  try {
    return new TimeParser(layout, text, localZone).run();
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}
