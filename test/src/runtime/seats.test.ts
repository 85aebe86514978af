import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findSeat, type Seat, seatStudents } from '../../../src/runtime/seats.ts'

const numbers = (seats: readonly Seat[] | undefined) => seats?.map(({ studentId, number }) => [studentId, number])

test('each student has a number that nobody else of the session has', () => {
  const first = seatStudents({ seats: [] }, ['SV001', 'SV002'])
  assert.deepEqual(numbers(first.seats), [
    ['SV001', 0],
    ['SV002', 1],
  ])
  const later = seatStudents(first, ['late-1', 'SV001'])
  assert.equal(findSeat(later.seats, 'SV001')?.number, 0)
  assert.equal(findSeat(later.seats, 'late-1')?.number, 2)
})

test('a student keeps the seat in any spelling of the id', () => {
  const seated = seatStudents(seatStudents({ seats: [] }, ['SV001']), ['sv001'])
  assert.deepEqual(numbers(seated.seats), [['SV001', 0]])
  assert.equal(findSeat(seated.seats, 'sV001')?.number, 0)
})

test('a number is never given again, also where the seats between are not there', () => {
  const seated = seatStudents({ seats: [{ studentId: 'SV009', number: 7 }] }, ['SV001'])
  assert.equal(findSeat(seated.seats, 'SV001')?.number, 8)
})

test('a session that was begun without seats goes on without them', () => {
  const record: { readonly seats?: Seat[] } = {}
  assert.equal(seatStudents(record, ['SV001']), record)
})
