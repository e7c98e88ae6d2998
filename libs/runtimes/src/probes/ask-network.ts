import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

import type { ProbeQuestion } from './probe.js';

const FIRST_BAD_STATUS = 400;

/** Answers a probe over the network: an HTTP status below 400, or a connection that is accepted. Never throws. */
export async function askNetwork(
  question: Exclude<ProbeQuestion, { type: 'exec' }>,
  address: string,
  timeoutMs: number,
): Promise<boolean> {
  const host = question.host ?? address;
  return question.type === 'tcp' ? connects(host, question.port, timeoutMs) : answers(question, host, timeoutMs);
}

function connects(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: timeoutMs });
    const answer = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

function answers(question: Extract<ProbeQuestion, { type: 'http' }>, host: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { port, path, headers, secure } = question;
    const options = {
      host,
      port,
      path: path.startsWith('/') ? path : `/${path}`,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    };
    const request = secure ? https.get({ ...options, rejectUnauthorized: false }) : http.get(options);
    request.once('response', (response) => {
      response.resume();
      const status = response.statusCode ?? FIRST_BAD_STATUS;
      resolve(status >= 200 && status < FIRST_BAD_STATUS);
      request.destroy();
    });
    request.on('error', () => resolve(false));
  });
}
