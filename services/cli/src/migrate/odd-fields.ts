import { type Decoded, DecodeError } from '#libs/workflow-spec';

const NOT_SERVED = /^(?:template .*?|spec|object): field (.+) is not supported yet$/;
const PLACED = / may have no effect on this runtime$/;
const UNKNOWN = /unknown field "((?:[^"\\]|\\.)*)"/g;

/** Fields of all members of a list are one. */
const anyMember = (text: string): string => text.replace(/\[\d+\]/g, '[]');

/** Fields of Argo's language that do not run here, by name: which template has them and where in a list says nothing. */
export const fieldsNotServed = ({ unsupported }: Decoded<unknown>): string[] =>
  unsupported.map((line) => `${anyMember(NOT_SERVED.exec(line)?.[1] ?? line)} is not supported`);

/** What is said of a decoded object. What only places is left out: pods of a cluster heed it. */
export const warningNotes = ({ warnings }: Decoded<unknown>): string[] =>
  warnings.filter((line) => !PLACED.test(line)).map(anyMember);

/** Fields that Argo does not know either. `decodeStrictly` refuses them. */
export const fieldsNotKnown = (decodeStrictly: () => unknown): string[] => {
  try {
    decodeStrictly();
    return [];
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return [...error.message.matchAll(UNKNOWN)].map(
      ([, path = '']) => `unknown field ${anyMember(path)} has no effect, as with Argo`,
    );
  }
};
