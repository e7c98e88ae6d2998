import { z } from 'zod';
import type { ArtifactLocation } from '#libs/workflow-spec';
import { BrokerReason, BrokerRefusal } from './broker-errors.js';

/** A header of HTTP is what metadata becomes. */
const metadata = z.record(z.string().regex(/^[a-z0-9-]{1,100}$/), z.string().regex(/^[\x20-\x7e]{0,1500}$/)).optional();
const location = z.record(z.string(), z.record(z.string(), z.json()));
const partNumber = z.number().int().min(1).max(10_000);
const sizeBytes = z.number().int().min(0);
/** Within what S3 takes for a part that is not the last, and what is sensible to have in memory. */
const partBytes = z
  .number()
  .int()
  .min(5 * 1024 ** 2)
  .max(512 * 1024 ** 2);

const ORDERS = {
  place: z.object({ location }),
  save: z.object({ location, sizeBytes, metadata }),
  upload: z.object({ location, sizeBytes: sizeBytes.optional(), partBytes: partBytes.optional(), metadata }),
  parts: z.object({ location, uploadId: z.string().min(1), first: partNumber, count: z.number().int().min(1).max(100) }),
  complete: z.object({
    location,
    uploadId: z.string().min(1),
    parts: z.array(z.object({ number: partNumber, etag: z.string().min(1).max(200) })).max(10_000),
  }),
  abort: z.object({ location, uploadId: z.string().min(1) }),
  content: z.object({ location, metadata }),
} as const;

type Orders = typeof ORDERS;
/** What is asked of a route; `location` is the asker's word and proves nothing. */
export type BrokerOrder<Name extends keyof Orders> = Omit<z.infer<Orders[Name]>, 'location'> & { location: ArtifactLocation };

/** Checks the shape of a body. Throws BrokerRefusal. */
export function brokerOrder<Name extends keyof Orders>(name: Name, body: unknown): BrokerOrder<Name> {
  const checked = ORDERS[name].safeParse(body);
  if (!checked.success) throw new BrokerRefusal(BrokerReason.location, z.prettifyError(checked.error));
  return checked.data as unknown as BrokerOrder<Name>;
}

/** A query field of JSON in base64url. */
export function encodedField(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw new BrokerRefusal(BrokerReason.location, 'the query is no JSON in base64url');
  }
}

/** The broker's own URL for bytes that no store can lend. */
export function contentUrl(order: { location: ArtifactLocation; metadata?: Record<string, string> | undefined }): string {
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const more = order.metadata === undefined ? '' : `&metadata=${encoded(order.metadata)}`;
  return `${BROKER_PATH}/content?location=${encoded(order.location)}${more}`;
}

/** Below this path a pod's token counts, and no other. */
export const BROKER_PATH = '/api/argosy/v1/artifact-broker';
