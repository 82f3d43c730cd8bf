//! A connection to the registry that is opened and left on purpose.

use std::future::Future;
use std::rc::Rc;

use tokio::time::Instant;

use super::client::Client;
use crate::profile::LeftAfter;
use crate::transport::{self, LeftConnection};

impl Client {
    /// Opens a connection to the registry beside those that the client uses, and leaves it at that point. It carries no request,
    /// and neither credentials nor headers of the scenario. It has to be open within the time that an exchange may be silent.
    ///
    /// # Errors
    /// When it cannot be opened.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub fn leave_connection(
        &self,
        after: LeftAfter,
    ) -> impl Future<Output = Result<LeftConnection, transport::Error>> + use<> {
        let pool = Rc::clone(&self.inner.pool);
        let settings = Rc::clone(&self.inner.settings);
        let address = self.endpoint(&[]);
        async move {
            let user_agent = match after {
                LeftAfter::Connect => None,
                LeftAfter::Head => Some(settings.wire.user_agent()),
            };
            let deadline = Instant::now() + settings.timeout;
            pool.open_and_leave(&address, user_agent, deadline).await
        }
    }
}
