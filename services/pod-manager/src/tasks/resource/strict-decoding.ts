import type { Resource } from '#libs/resources';
import { assertSupported, DecodeError, InvalidArgumentError, type Decoded } from '#libs/workflow-spec';

/** What our decoder adds for people; Kubernetes has no such hints. */
const HINTS = / \(did you mean "[^"]*"\?\)/g;

/**
 * An object as the API server of Kubernetes would take it, whose schema knows every field. Throws InvalidArgumentError in its words where it would not, and
 * where it holds a field that does not run here.
 */
export const strictly = <T>(decode: (value: unknown) => Decoded<T>, object: Resource): T => {
  try {
    const decoded = decode(object);
    assertSupported(decoded);
    return decoded.object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const version = object.apiVersion.split('/').at(-1) ?? '';
    throw new InvalidArgumentError(
      `${object.kind} in version ${JSON.stringify(version)} cannot be handled as a ${object.kind}: ${error.message.replace(HINTS, '')}`,
      { cause: error },
    );
  }
};
