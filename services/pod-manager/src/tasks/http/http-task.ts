import { evaluateBoolean } from '#libs/expressions';
import type { TaskOrder } from '#libs/pod-spec';
import type { HttpHeader, HttpTemplate } from '#libs/workflow-spec';
import { TaskError, type TaskEnd, type TaskRunner } from '../task.js';
import { exchange, type HttpAnswer, type HttpRequest, type RequestHeader } from './http-exchange.js';

type HttpOrder = Extract<TaskOrder, { kind: 'http' }>;

/** Reads a key of a Secret as text; null where there is none. */
export type SecretKeyReader = (namespace: string, name: string, key: string) => Promise<string | null>;

/** The longest answer that becomes a result. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Argo's client waits as long as its server does; ours ends at some time. */
const LONGEST_SECONDS = 3_600;

/**
 * Does an HTTP template: one request, its body the result. The signal ends it at once. Asked again after a crash the request is sent again. Secrets are
 * read here and are nowhere else.
 */
export const httpTask =
  (readSecret: SecretKeyReader): TaskRunner<HttpOrder> =>
  async ({ order: { http }, manifest, signal, log }): Promise<TaskEnd> => {
    const request = await requestOf(http, (ref) => secretOf(readSecret, manifest.work.workflowNamespace, ref), signal);
    log(`${request.method} ${shownUrl(request.url)}`);
    const answer = await exchange(request);
    log(`${answer.statusCode}, ${answer.body.length} bytes`);
    const outputs = { result: answer.body.toString('utf8').replaceAll('\0', '\ufffd') };
    const problem = problemOf(http, request, answer);
    return problem === undefined ? { phase: 'Succeeded', outputs } : { phase: 'Failed', message: problem, outputs };
  };

/** Without what may be a password or a token. */
const shownUrl = (url: string): string => url.replace(/\?.*$/s, '?…').replace(/\/\/[^/@]*@/, '//…@');

type SecretKeyRef = NonNullable<NonNullable<HttpHeader['valueFrom']>['secretKeyRef']>;

const secretOf = async (
  read: SecretKeyReader,
  namespace: string,
  { name = '', key, optional }: SecretKeyRef,
): Promise<string> => {
  const value = await read(namespace, name, key);
  if (value !== null) return value;
  if (optional === true) return '';
  throw new TaskError(`secret ${JSON.stringify(name)} has no key ${JSON.stringify(key)}`);
};

const headerOf = async (header: HttpHeader, secret: (ref: SecretKeyRef) => Promise<string>): Promise<RequestHeader> => {
  const ref = header.valueFrom?.secretKeyRef;
  const isSecret = ref !== undefined;
  const value = isSecret ? await secret(ref) : (header.value ?? '');
  // The value itself stays out of the message: it may be a secret.
  if (/[\r\n\0]/.test(value)) throw new TaskError(`net/http: invalid header field value for ${JSON.stringify(header.name)}`);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header.name))
    throw new TaskError(`net/http: invalid header field name ${JSON.stringify(header.name)}`);
  return { name: header.name, value, isSecret };
};

const bodyOf = ({ body, bodyFrom }: HttpTemplate): Buffer =>
  bodyFrom?.bytes === undefined ? Buffer.from(body ?? '', 'utf8') : Buffer.from(bodyFrom.bytes, 'base64');

const requestOf = async (
  http: HttpTemplate,
  secret: (ref: SecretKeyRef) => Promise<string>,
  signal: AbortSignal,
): Promise<HttpRequest> => {
  const method = (http.method ?? '') === '' ? 'GET' : (http.method ?? 'GET').toUpperCase();
  if (!/^[A-Z]+$/.test(method)) throw new TaskError(`net/http: invalid method ${JSON.stringify(http.method)}`);
  const seconds = http.timeoutSeconds ?? LONGEST_SECONDS;
  return {
    method,
    url: http.url,
    headers: await Promise.all((http.headers ?? []).map((header) => headerOf(header, secret))),
    body: bodyOf(http),
    insecureSkipVerify: http.insecureSkipVerify === true,
    signal: AbortSignal.any([signal, AbortSignal.timeout(Math.min(seconds, LONGEST_SECONDS) * 1_000)]),
    maxBodyBytes: MAX_BODY_BYTES,
  };
};

/** Why the answer is no success: the condition's word, or the status without one. */
const problemOf = ({ successCondition = '' }: HttpTemplate, request: HttpRequest, answer: HttpAnswer): string | undefined => {
  if (successCondition === '') {
    const isSuccess = answer.statusCode >= 200 && answer.statusCode <= 299;
    return isSuccess ? undefined : `received non-2xx response code: ${answer.statusCode}`;
  }
  const headers: Record<string, string[]> = {};
  // What comes from Secrets is left out: a condition that fails is shown with its values.
  for (const { name, value, isSecret } of request.headers) if (!isSecret) (headers[name] ??= []).push(value);
  const environment = {
    request: { method: request.method, url: request.url, body: request.body.toString('utf8'), headers },
    response: { statusCode: answer.statusCode, body: answer.body.toString('utf8'), headers: answer.headers },
  };
  return evaluateBoolean(successCondition, environment) ? undefined : `successCondition '${successCondition}' evaluated false`;
};
