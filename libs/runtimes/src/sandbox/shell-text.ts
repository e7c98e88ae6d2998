/** A word that a POSIX shell reads as exactly this text. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A field of an fstab line: spaces, tabs, newlines and backslashes as octal escapes. */
export function fstabField(text: string): string {
  return text.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
