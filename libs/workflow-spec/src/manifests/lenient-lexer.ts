import { Lexer } from 'yaml';

/** The part of the lexer that is reached into; `recordings` of real files hold it in place when the package is upgraded. */
interface QuotedScalarLexer {
  indentNext: number;
  parseQuotedScalar: () => Generator<string, unknown>;
}

/**
 * A lexer that lets quoted text go on at any indentation, as Go's YAML readers do and many of Argo's own examples need; YAML 1.2 and the
 * stock lexer end it there with an error. White space at the start of such a line is folded either way.
 */
export const createLenientLexer = (): Lexer => {
  const lexer = new Lexer();
  const inner = lexer as unknown as QuotedScalarLexer;
  const parseQuotedScalar = inner.parseQuotedScalar.bind(lexer);
  inner.parseQuotedScalar = function* () {
    const { indentNext } = inner;
    inner.indentNext = 0;
    try {
      return yield* parseQuotedScalar();
    } finally {
      inner.indentNext = indentNext;
    }
  };
  return lexer;
};
