import { raw, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { BROKER_PATH } from '../broker/broker-orders.js';
import { ApiError } from '../errors/errors.js';
import { goJsonProblem } from '../errors/go-json-syntax.js';

/** Deeper bodies are refused: no workflow needs it, and recursive readers would not survive it. */
const MAX_DEPTH = 120;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/**
 * Refuses what could reach an object's prototype or overflow a reader's stack, naming the place. Iterative, so that it survives
 * what it is there to refuse.
 */
function assertHarmless(body: unknown): void {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: body, path: '', depth: 0 }];
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { value, path, depth } = entry;
    if (value === null || typeof value !== 'object') continue;
    if (depth > MAX_DEPTH) throw new ApiError(3, `body is nested deeper than ${MAX_DEPTH} levels at ${path.slice(0, 200)}`);
    for (const [key, member] of Object.entries(value)) {
      const place = path === '' ? key : `${path}.${key}`;
      if (key === '__proto__') throw new ApiError(3, `field "${place.slice(-200)}" is not allowed`);
      if (member !== null && typeof member === 'object') open.push({ value: member, path: place, depth: depth + 1 });
    }
  }
}

/** The JSON value of a body, or undefined for an empty one; Go's words for a syntax error. */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ApiError(3, goJsonProblem(text), { cause });
  }
  assertHarmless(parsed);
  return parsed;
}

/**
 * Reads request bodies: at most `maxBodyBytes` (413), JSON only (415 for another content type, which also keeps HTML forms out);
 * no body is fine, with or without a content type, as Argo's web page sends PUT so.
 */
export function jsonBody(maxBodyBytes: number): RequestHandler {
  const read = raw({ type: () => true, limit: maxBodyBytes });
  return (request: Request, response: Response, next: NextFunction): void => {
    // Whatever a webhook sends: whether it may send at all is answered first.
    if (request.path.startsWith('/api/v1/events/') || isContent(request)) {
      next();
      return;
    }
    read(request, response, (problem?: unknown) => {
      if (problem !== undefined) {
        next(bodyProblem(problem, maxBodyBytes));
        return;
      }
      try {
        request.body = decode(request);
        next();
      } catch (error) {
        next(error);
      }
    });
  };
}

/** The bytes of an artifact, on their way through the broker or uploaded: they are streamed. */
const isContent = ({ method, path }: Request): boolean =>
  (method === 'PUT' && path === `${BROKER_PATH}/content`) || (method === 'POST' && path.startsWith('/upload-artifacts/'));

function decode(request: Request): unknown {
  const body: unknown = request.body;
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  const contentType = request.headers['content-type'] ?? '';
  if (!JSON_TYPE.test(contentType)) {
    throw new ApiError(3, `content type ${JSON.stringify(contentType.slice(0, 100))} is not supported, send application/json`, {
      httpStatus: 415,
    });
  }
  return parseJsonBody(body.toString('utf8'));
}

function bodyProblem(problem: unknown, maxBodyBytes: number): unknown {
  const kind = (problem as { type?: unknown }).type;
  if (kind === 'entity.too.large')
    return new ApiError(3, `body is larger than ${maxBodyBytes} bytes`, { httpStatus: 413, cause: problem });
  if (kind === 'encoding.unsupported')
    return new ApiError(3, 'content encoding is not supported', { httpStatus: 415, cause: problem });
  if (typeof kind === 'string') return new ApiError(3, 'body could not be read', { cause: problem });
  return problem;
}
