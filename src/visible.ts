// Words of ours that quote somebody else's text: what no eye can see in it is written out, so that a reader finds it.

/** What is not printed, or prints as nothing: controls, line and paragraph ends, marks of direction, blanks other than the plain one. */
const unseen = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu

/** `a<zero width space>b` becomes `a\u{200b}b`. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
