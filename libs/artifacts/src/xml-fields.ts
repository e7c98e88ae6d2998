const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What stands inside each element of this name, in order. For the flat lists that stores answer, not for XML in general. */
export function xmlElements(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g')), ([, inside = '']) => inside);
}

/** The text of the first element of this name; undefined where there is none or it is empty. */
export function xmlText(xml: string, name: string): string | undefined {
  const [inside] = xmlElements(xml, name);
  return inside === undefined || inside === '' ? undefined : unescaped(inside);
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, named?: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[named ?? ''] ?? whole;
  });
}
