//! What the system is to do about a connection by itself.

use std::{any::Any, time::Duration};

use actix_web::rt::net::TcpStream;

/// Has a connection cut off whose client takes nothing of what it is sent for so long: the server's own timers do not
/// cover an answer that is being written. Only Linux can.
pub(crate) fn cut_off_when_stalled(connection: &dyn Any, time: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(time))
    {
        tracing::warn!(%error, "cannot limit the time of stalled clients");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (connection.is::<TcpStream>(), time);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use actix_web::rt::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_system_is_told_how_long() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let limit = || socket2::SockRef::from(&stream).tcp_user_timeout().unwrap();
        assert_eq!(limit(), None);
        cut_off_when_stalled(&stream, Duration::from_secs(7));
        assert_eq!(limit(), Some(Duration::from_secs(7)));
    }
}
