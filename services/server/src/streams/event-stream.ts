import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Request, Response } from 'express';
import { apiStatusOf } from '../errors/api-status.js';

/**
 * One streaming answer in Argo's framing: `data: {…} ⏎⏎⏎` as server-sent events where exactly that is accepted, otherwise one JSON
 * object per line; a comment line keeps the connection alive. States: *open* (nothing sent), *flowing* (headers sent), *ended* (closed by
 * us or gone). `send` waits while the client does not read, so a slow client costs no memory here.
 */
export class EventStream {
  private readonly abort = new AbortController();
  private readonly isSse: boolean;
  private keepAlive: NodeJS.Timeout | undefined;

  constructor(
    request: Request,
    private readonly response: Response,
    private readonly keepAliveMs: number,
  ) {
    this.isSse = request.headers.accept === 'text/event-stream';
    response.once('close', () => this.finish());
  }

  /** Aborted when the client is gone or the stream has ended. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Sends the headers at once: clients take that as the sign that the stream stands. */
  open(status = 200): void {
    if (this.response.headersSent || this.signal.aborted) return;
    this.response.status(status);
    this.response.setHeader('Content-Type', this.isSse && status === 200 ? 'text/event-stream' : 'application/json');
    this.response.setHeader('Cache-Control', 'no-cache');
    this.response.setHeader('X-Accel-Buffering', 'no');
    this.response.flushHeaders();
    if (this.isSse) this.keepAlive = setInterval(() => this.beat(), this.keepAliveMs).unref();
  }

  /** Writes one message; false once the client is gone. */
  send(message: object): Promise<boolean> {
    return this.sendAll([message]);
  }

  /** Writes messages together; false once the client is gone. */
  async sendAll(messages: readonly object[]): Promise<boolean> {
    if (this.signal.aborted) return false;
    if (messages.length === 0) return true;
    this.open();
    const isSse = this.isSse && this.response.statusCode === 200;
    const frames = messages.map((message) =>
      isSse ? `data: ${JSON.stringify(message)} \n\n\n` : `${JSON.stringify(message)}\n`,
    );
    if (!this.response.write(frames.join(''))) {
      await once(this.response, 'drain', { signal: this.signal }).catch(() => undefined);
    }
    return !this.signal.aborted;
  }

  /** Ends with Argo's error frame; before anything was sent it is the HTTP status as well. */
  async fail(error: unknown): Promise<void> {
    const { httpStatus, body } = apiStatusOf(error);
    if (!this.signal.aborted && !this.response.headersSent) this.open(httpStatus);
    await this.send({
      error: { grpc_code: body.code, http_code: httpStatus, message: body.message, http_status: STATUS_CODES[httpStatus] ?? '' },
    });
    this.end();
  }

  end(): void {
    if (!this.signal.aborted) this.response.end();
    this.finish();
  }

  private beat(): void {
    if (!this.response.writableNeedDrain) this.response.write(':\n');
  }

  private finish(): void {
    clearInterval(this.keepAlive);
    this.abort.abort();
  }
}
