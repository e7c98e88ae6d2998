import { ArtifactAccessError, ArtifactKeyError, ArtifactNotFoundError } from '#libs/artifacts';
import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';
import { apiStatusOf } from '../errors/api-status.js';

/** Why the broker does not do what it is asked; docs/broker.md. */
export const BrokerReason = {
  token: 'token',
  notYours: 'not-yours',
  ownIdentity: 'own-identity',
  notFound: 'not-found',
  location: 'location',
  access: 'access',
  transient: 'transient',
} as const;
export type BrokerReason = (typeof BrokerReason)[keyof typeof BrokerReason];

/** HTTP status and gRPC code of each reason. */
const STATUS: Readonly<Record<BrokerReason, readonly [number, number]>> = {
  token: [401, 16],
  'not-yours': [403, 7],
  'own-identity': [409, 9],
  'not-found': [404, 5],
  location: [400, 3],
  access: [502, 7],
  transient: [503, 14],
};

/** The broker's own refusals. */
export class BrokerRefusal extends Error {
  constructor(
    readonly reason: BrokerReason,
    message: string,
  ) {
    super(message);
    this.name = 'BrokerRefusal';
  }
}

/** What is said of an error, to a program that turns it back into the error of a driver. */
export function brokerAnswer(error: unknown): { httpStatus: number; body: object; unexpected: boolean } {
  const reason = reasonOf(error);
  if (reason === undefined) return apiStatusOf(error);
  const [httpStatus, code] = STATUS[reason];
  return { httpStatus, body: { code, message: (error as Error).message, reason }, unexpected: false };
}

function reasonOf(error: unknown): BrokerReason | undefined {
  if (error instanceof BrokerRefusal) return error.reason;
  if (error instanceof ArtifactNotFoundError) return BrokerReason.notFound;
  if (error instanceof ArtifactAccessError) return BrokerReason.access;
  if (error instanceof TransientError) return BrokerReason.transient;
  if (error instanceof ArtifactKeyError || error instanceof UserError) return BrokerReason.location;
  return error instanceof PermanentError ? BrokerReason.access : undefined;
}
