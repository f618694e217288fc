package health

import "github.com/yourorg/platform/pkg/health"

// Values is the report in numbers, for metrics: 1 healthy, 0.5 degraded, 0 unhealthy.
func (r *Registry) Values() map[string]float64 {
	numbers := map[health.Status]float64{health.Healthy: 1, health.Degraded: 0.5}
	values := map[string]float64{}
	for _, c := range r.Report().Checks {
		values[c.Name] = numbers[c.Status]
	}
	return values
}
