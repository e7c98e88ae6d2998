import { InvalidArgumentError } from '#libs/workflow-spec';

/** Where the next page begins, and the version at which the first page was read. */
export interface PagePosition {
  namespace: string;
  name: string;
  version: number;
}

/** The position as an opaque text for callers. */
export const writeContinueToken = ({ namespace, name, version }: PagePosition): string =>
  Buffer.from(JSON.stringify([version, namespace, name])).toString('base64url');

/** The position that `writeContinueToken` wrote; InvalidArgumentError for any other text. */
export const readContinueToken = (token: string): PagePosition => {
  try {
    const [version, namespace, name] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[];
    if (typeof version === 'number' && typeof namespace === 'string' && typeof name === 'string')
      return { version, namespace, name };
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('continue key is not valid');
};
