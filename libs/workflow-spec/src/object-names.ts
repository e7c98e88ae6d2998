const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_LIMIT = 253;

/** Why Kubernetes would not take this as `metadata.name`, or undefined where it would. */
export const objectNameProblem = (name: string): string | undefined => {
  if (name.length > SUBDOMAIN_LIMIT) return `metadata.name: must be no more than ${SUBDOMAIN_LIMIT} characters`;
  if (SUBDOMAIN.test(name)) return undefined;
  return (
    `metadata.name: Invalid value: ${JSON.stringify(name.slice(0, SUBDOMAIN_LIMIT))}: a lowercase RFC 1123 subdomain must consist of lower case ` +
    "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
  );
};
