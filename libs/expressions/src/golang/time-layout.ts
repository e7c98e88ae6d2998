import { BoundedCache } from '../bounded-cache.js';

/** A piece of a Go time layout: literal text, or an element such as `2006` or `Jan`. */
export interface LayoutPiece {
  readonly literal: boolean;
  readonly text: string;
}

const ELEMENT = new RegExp(
  [
    'January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST',
    'Z070000|Z07:00:00|Z0700|Z07:00|Z07|-070000|-07:00:00|-0700|-07:00|-07',
    '[.,]0+(?![0-9])|[.,]9+(?![0-9])',
    '2006|__2|_2(?!006)|002|0[1-6]|15|1|2|3|4|5|PM|pm',
  ].join('|'),
  'g',
);

function cut(layout: string): readonly LayoutPiece[] {
  const pieces: LayoutPiece[] = [];
  let at = 0;
  for (const match of layout.matchAll(ELEMENT)) {
    if (match.index > at) pieces.push({ literal: true, text: layout.slice(at, match.index) });
    pieces.push({ literal: false, text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < layout.length) pieces.push({ literal: true, text: layout.slice(at) });
  return pieces;
}

const cache = new BoundedCache<string, readonly LayoutPiece[]>(200);

/** Cuts a Go time layout into its pieces (cached). */
export const layoutPieces = (layout: string): readonly LayoutPiece[] => cache.getOrMake(layout, cut);

export const MONTHS = 'January February March April May June July August September October November December'.split(' ');
export const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
/** The layout of RFC 3339. */
export const RFC3339 = '2006-01-02T15:04:05Z07:00';
