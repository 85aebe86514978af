// The times of what was made while an archive was recorded, which are others in each recording.

const [blockBytes, timeAt, checksumAt, checksumEnd, magicAt] = [512, 136, 148, 156, 257]
/** 2000-01-01 and, after all times that scenarios put into their files, 2024-01-01. Seconds. */
const [standIn, recent] = [946_684_800, 1_704_067_200]

/** The same archive, with one time in place of each that is recent. */
export function withSteadyTimes(tar: Buffer): Buffer {
  const steady = Buffer.from(tar)
  for (let at = 0; at + blockBytes <= steady.length; at += blockBytes) {
    const header = steady.subarray(at, at + blockBytes)
    const isHeader = header.toString('latin1', magicAt, magicAt + 5) === 'ustar'
    if (!isHeader || Number.parseInt(header.toString('latin1', timeAt, checksumAt), 8) < recent) continue
    header.write(`${standIn.toString(8).padStart(11, '0')}\0`, timeAt)
    const blanked = Buffer.from(header).fill(' ', checksumAt, checksumEnd)
    const sum = blanked.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, checksumAt)
  }
  return steady
}
