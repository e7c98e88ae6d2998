const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A longer line is given in pieces, so that a log without line breaks costs no memory. */
const MAX_LINE_BYTES = 256 * 1024;

/** A line without its line break, and where it ends in the log (behind the line break). */
export interface LogTextLine {
  text: string;
  endByte: number;
}

/**
 * Cuts the bytes of a log into lines, as they come: what is given for a chunk are the lines that end in it. Bytes that are no UTF-8 become
 * U+FFFD, a carriage return before a line break is dropped (as Go's scanner of lines does).
 */
export class LogLineCutter {
  private held: Uint8Array[] = [];
  private heldBytes = 0;

  /** `position`: where in the log the first chunk begins. */
  constructor(private position = 0) {}

  lines(chunk: Uint8Array): LogTextLine[] {
    const found: LogTextLine[] = [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, start)) {
      found.push(this.line(bytes.subarray(start, newline), 1));
      start = newline + 1;
    }
    this.hold(bytes.subarray(start), found);
    return found;
  }

  /** The last line, where it has no line break. */
  rest(): LogTextLine[] {
    return this.heldBytes === 0 ? [] : [this.line(Buffer.alloc(0), 0)];
  }

  private hold(bytes: Buffer, found: LogTextLine[]): void {
    if (bytes.length === 0) return;
    // A copy: the chunk may be a window on a buffer that is used again.
    this.held.push(Buffer.from(bytes));
    this.heldBytes += bytes.length;
    if (this.heldBytes >= MAX_LINE_BYTES) found.push(this.line(Buffer.alloc(0), 0));
  }

  private line(last: Buffer, breakBytes: number): LogTextLine {
    const whole = this.held.length === 0 ? last : Buffer.concat([...this.held, last]);
    this.held = [];
    this.heldBytes = 0;
    this.position += whole.length + breakBytes;
    const text = breakBytes === 1 && whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    return { text: text.toString('utf8'), endByte: this.position };
  }
}
