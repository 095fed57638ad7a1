package webtransport

import (
	"testing"
	"time"
)

// SetAnswerTimeout changes answerTimeout until the test ends.
func SetAnswerTimeout(t *testing.T, d time.Duration) {
	before := answerTimeout
	answerTimeout = d
	t.Cleanup(func() { answerTimeout = before })
}
