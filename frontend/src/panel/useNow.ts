import { useEffect, useState } from 'react';
import { type Diagnosis } from '../shared/record.generated';

/**
 * The backend's clock, in milliseconds: an operation without end lasts until then. It advances while the operation
 * runs; for an ended operation it is its end.
 */
export function useNow(operation: Diagnosis): number {
  const { start, end, duration_ms: duration } = operation;
  const answered = (start ?? 0) + (duration ?? 0);
  const runs = end === null && start !== null;
  const [tick, setTick] = useState({ answered, passed: 0 });
  useEffect(() => {
    if (!runs) {
      return undefined;
    }
    const since = Date.now();
    const timer = setInterval(() => setTick({ answered, passed: Date.now() - since }), 1000);
    return () => clearInterval(timer);
  }, [answered, runs]);
  return answered + (runs && tick.answered === answered ? tick.passed : 0);
}
