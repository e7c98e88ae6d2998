import { ApiClientError, ServerAwayError } from '../client/errors.js';
import type { ApiClient } from '../client/api-client.js';
import type { Finding } from './finding.js';

const NOTE_ADVICE = 'nothing to do, unless you rely on it';

interface ConfigFacts {
  notes: string[];
}

/** The server, and what it sees of the rest. Where it cannot be asked, that is the finding. */
export const serverFindings = async (client: Pick<ApiClient, 'get'>): Promise<Finding[]> => {
  try {
    const { version } = await client.get<{ version: string }>('/api/v1/version');
    const { findings } = await client.get<{ findings: Finding[] }>('/api/argosy/v1/checkup');
    const { notes } = await client.get<ConfigFacts>('/api/argosy/v1/controller-config');
    return [
      { name: 'server', state: 'ok', message: `answers as ${version}` },
      ...findings,
      ...notes.map((message): Finding => ({ name: 'configuration', state: 'ok', message, advice: NOTE_ADVICE })),
    ];
  } catch (error) {
    if (error instanceof ServerAwayError) {
      const advice = 'start one (argosy up), or say where it is: --argo-server or ARGO_SERVER';
      return [{ name: 'server', state: 'failed', message: error.message, advice }];
    }
    if (!(error instanceof ApiClientError)) throw error;
    const advice =
      error.httpStatus >= 500
        ? 'what it needs is away or something is wrong in it: its log says what; ask again when that is mended'
        : 'look at --token (ARGO_TOKEN) and at the address';
    return [{ name: 'server', state: 'failed', message: error.message, advice }];
  }
};
