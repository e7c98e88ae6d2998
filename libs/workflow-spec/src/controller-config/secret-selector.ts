import { z } from 'zod';

/** A key of a Secret, as Kubernetes writes it. */
export const secretSelector = z.strictObject({ name: z.string().optional(), key: z.string(), optional: z.boolean().optional() });
